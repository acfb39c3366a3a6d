/**
 * A consumer of Holdfast's events to start from: copy it, and put your own work in the place of `EventFile.keep`.
 *
 * Events come at least once, in order per entity, and none is skipped. So it remembers for each entity only the
 * `entity-version` of its last event, and the message ids of that version (one change of an entity may make several
 * events). A lower version came before, whatever its id; a higher one is new. This memory does not grow with the number
 * of events.
 *
 *   not known --> the work and the memory of it, in one durable step --> acknowledged
 *   known ------------------------------------------------------------> acknowledged
 *
 * Killed before the step, the event comes again and is new; killed after it, it comes again and is known. Here the step
 * is one line of a file; in a service of yours it is one transaction of your database.
 *
 * NAME.replay is for events of the past (`npm run -s relay -- replay --queue NAME.replay`): it is worked off before
 * NAME, up to a mark that is sent behind the last of them. In one queue the new events would come first, and the old
 * ones would be taken for duplicates. So run the replay while the consumer is stopped.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection, ConsumerStatus, type AsyncMessage, type Consumer } from 'rabbitmq-client';

const USAGE = `Usage: npx tsx examples/consumer.ts NAME [--file FILE] [--declare]

Takes the events of Holdfast from the queue NAME, which it makes, and prints each once.

  --file FILE   keeps what was handled; NAME.jsonl if left out
  --declare     makes the queues NAME and NAME.replay, and ends

Settings: AMQP_URL, amqp://guest:guest@127.0.0.1:5672 if left out.
`;

const EVENTS_EXCHANGE = 'orders.events';
/** The type of a message that says: the replay ends here. */
const MARK = 'mark';
const RETRY_MS = 500;
/** Some are on their way while one is handled. */
const PREFETCH = 100;

const QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum' as const,
  // Two processes on one queue would break the order: the second one waits until the first is gone.
  'x-single-active-consumer': true,
  // By default RabbitMQ 4 drops a message after 20 deliveries; each crash of ours is one.
  'x-delivery-limit': 1_000_000_000,
};

interface Event {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly version: number;
  readonly data: unknown;
}

/** The events that were handled, one a line. */
class EventFile {
  readonly #file: number;
  /** By entity: its last version here, and the ids of it. */
  readonly #last = new Map<string, { readonly version: number; readonly ids: string[] }>();

  constructor(name: string) {
    this.#file = openSync(name, 'a+');
    const bytes = readFileSync(this.#file);
    // A line without an end was being written when the process was killed: it was never acknowledged.
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) ftruncateSync(this.#file, end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      if (line !== '') this.#remember(JSON.parse(line) as Event);
    }
  }

  knows({ subject, version, id }: Event): boolean {
    const last = this.#last.get(subject);
    return last !== undefined && (version < last.version || (version === last.version && last.ids.includes(id)));
  }

  /** Your work. On the disk when it returns. */
  keep(event: Event): void {
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
    fsyncSync(this.#file);
    this.#remember(event);
  }

  close(): void {
    closeSync(this.#file);
  }

  #remember({ subject, version, id }: Event): void {
    const last = this.#last.get(subject);
    if (last?.version === version) last.ids.push(id);
    else this.#last.set(subject, { version, ids: [id] });
  }
}

/** Undefined: Holdfast did not make it. */
function eventOf({ messageId, routingKey, type = routingKey, headers, body }: AsyncMessage) {
  const subject: unknown = headers?.['cloudEvents_subject'];
  const version: unknown = headers?.['entity-version'];
  if (messageId === undefined || typeof subject !== 'string' || typeof version !== 'number') return undefined;
  return { id: messageId, type, subject, version, data: body as unknown } satisfies Event;
}

class Handler {
  readonly #fileName: string;
  #file: EventFile | undefined;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  /** False: it is no event. Ends the process where the work can't be done: the event comes again, and none overtakes it. */
  handle(message: AsyncMessage): boolean {
    const event = eventOf(message);
    if (event === undefined) {
      process.stderr.write(`no event of Holdfast, left out: ${message.routingKey}\n`);
      return false;
    }
    try {
      this.#file ??= new EventFile(this.#fileName);
      if (this.#file.knows(event)) return true;
      this.#file.keep(event);
    } catch (error) {
      process.stderr.write(`${this.#fileName}: ${String(error)}\n`);
      process.exit(1);
    }
    process.stdout.write(`${event.type} ${event.subject} version ${event.version} (${event.id})\n`);
    return true;
  }

  /** The connection was lost: another process may have gone on meanwhile, so the file is read again. */
  forget(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

async function declare(connection: Connection, name: string): Promise<void> {
  for (const queue of [name, replayOf(name)]) {
    await connection.queueDeclare({ queue, durable: true, arguments: QUEUE_ARGUMENTS });
  }
  await connection.queueBind({ exchange: EVENTS_EXCHANGE, queue: name, routingKey: '*.*.v1' });
  await connection.exchangeDeclare({ exchange: marksOf(name), type: 'fanout', durable: true });
  await connection.queueBind({ exchange: marksOf(name), queue: replayOf(name) });
}

const replayOf = (name: string): string => `${name}.replay`;
const marksOf = (name: string): string => `${name}.marks`;

/** @returns the id of a message that is now the last of the replay. */
async function markEnd(connection: Connection, name: string): Promise<string> {
  const messageId = randomUUID();
  const publisher = connection.createPublisher({ confirm: true });
  await publisher.send({ exchange: marksOf(name), messageId, type: MARK, durable: true }, '');
  await publisher.close();
  return messageId;
}

/** Resolves with the consumer when a message has the id `until`; without one never. */
function consume(connection: Connection, queue: string, handler: Handler, until?: string): Promise<Consumer> {
  return new Promise((resolve) => {
    const consumer = connection.createConsumer(
      {
        queue,
        queueOptions: { durable: true, arguments: QUEUE_ARGUMENTS },
        qos: { prefetchCount: PREFETCH },
        concurrency: 1,
        // A handler that throws must not spin: ours ends the process instead.
        requeue: false,
      },
      (message) => {
        if (message.messageId === until && until !== undefined) resolve(consumer);
        return message.type === MARK || handler.handle(message) ? ConsumerStatus.ACK : ConsumerStatus.DROP;
      },
    );
    consumer.on('error', (error: unknown) => {
      process.stderr.write(`${queue}: ${String(error)}\n`);
      handler.forget();
    });
    consumer.once('ready', () => process.stderr.write(`waiting for events in ${queue}\n`));
  });
}

async function run(name: string, fileName: string): Promise<void> {
  const connection = connect();
  // What is unacknowledged then comes again.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0));
  const handler = new Handler(fileName);
  connection.on('error', () => handler.forget());
  const mark = await retried(async () => {
    await declare(connection, name);
    return markEnd(connection, name);
  });
  const replay = await consume(connection, replayOf(name), handler, mark);
  await replay.close();
  await consume(connection, name, handler);
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      process.stderr.write(`not yet: ${String(error)}\n`);
      await pause(RETRY_MS);
    }
  }
}

function connect(): Connection {
  const url = process.env['AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
  const connection = new Connection({ url, retryLow: RETRY_MS });
  connection.on('error', (error: unknown) => process.stderr.write(`RabbitMQ: ${String(error)}\n`));
  return connection;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { file: { type: 'string' }, declare: { type: 'boolean' }, help: { type: 'boolean' } },
});
const [name] = positionals;
if (name === undefined || values.help) {
  process.stdout.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.declare) {
  const connection = connect();
  await declare(connection, name);
  await connection.close();
} else {
  await run(name, values.file ?? `${name}.jsonl`);
}
