"""consumer.ts in Python: python3 examples/consumer.py NAME. It ends when RabbitMQ goes away: start it again."""
import json, os, pathlib, sys, uuid
import pika

try:
    from jsonschema import Draft202012Validator
except ImportError:
    Draft202012Validator = None  # bodies are not checked then

CONTRACTS = pathlib.Path(__file__).resolve().parent.parent / "contracts"
ARGUMENTS = {"x-queue-type": "quorum", "x-single-active-consumer": True, "x-delivery-limit": 1_000_000_000}
name, last = sys.argv[1], {}


def remember(event):
    subject, version = event["subject"], event["version"]
    seen_version, ids = last.get(subject, (0, set()))
    last[subject] = (version, ids | {event["id"]} if version == seen_version else {event["id"]})


def check(event):
    schema = CONTRACTS / f"{event['type']}.schema.json"
    if Draft202012Validator and schema.exists():
        Draft202012Validator(json.loads(schema.read_text())).validate(event["data"])


file = open(f"{name}.jsonl", "ab+")
file.seek(0)
for line in file.readlines():
    if line.endswith(b"\n"):
        remember(json.loads(line))
    else:
        file.truncate(file.tell() - len(line))  # was being written when the process was killed



def messages():
    """The replay up to a mark that is sent behind the last of it, then the new events."""
    mark = str(uuid.uuid4())
    channel.basic_publish(f"{name}.marks", "", b"", pika.BasicProperties(message_id=mark, type="mark", delivery_mode=2))
    for method, properties, body in channel.consume(f"{name}.replay"):
        if properties.type != "mark":
            yield method, properties, body
            continue
        channel.basic_ack(method.delivery_tag)
        if properties.message_id == mark:
            break
    channel.cancel()
    yield from channel.consume(name)


url = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.confirm_delivery()
channel.basic_qos(prefetch_count=100)
for queue in (f"{name}.replay", name):
    channel.queue_declare(queue, durable=True, arguments=ARGUMENTS)
channel.queue_bind(name, "orders.events", "*.*.v1")
channel.exchange_declare(f"{name}.marks", "fanout", durable=True)
channel.queue_bind(f"{name}.replay", f"{name}.marks")
for method, properties, body in messages():
    headers = properties.headers
    event = {"id": properties.message_id, "type": properties.type, "subject": headers["cloudEvents_subject"],
             "version": headers["entity-version"], "data": json.loads(body)}
    version, ids = last.get(event["subject"], (0, set()))
    if event["version"] > version or (event["version"] == version and event["id"] not in ids):
        check(event)
        file.write(json.dumps(event).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        remember(event)
        print(event["type"], event["subject"], "version", event["version"], flush=True)
    channel.basic_ack(method.delivery_tag)
