/**
 * Sends one command to Holdfast and waits for its outcome.
 *
 * The message id is the command: sent again under the same id it has no second effect, for ever, and the same outcome
 * is answered. So whoever got no answer sends it again. Message ids belong to their sender, the user of AMQP_URL, which
 * the broker checks.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Connection, type AsyncMessage } from 'rabbitmq-client';

const USAGE = `Usage: npx tsx examples/send-command.ts place --customer NAME --product ID [--quantity 1] [--manual] [OPTIONS]
       npx tsx examples/send-command.ts confirm ORDER_ID [OPTIONS]
       npx tsx examples/send-command.ts cancel ORDER_ID [--reason TEXT] [OPTIONS]

  --manual            the order waits for its confirmation
  --message-id ID     the command's own name; a new one if left out. The same again has one effect
  --on-behalf-of NAME for whom you act, for the log
  --timeout SECONDS   how long to wait for the outcome; 30 if left out

Settings: AMQP_URL, amqp://guest:guest@127.0.0.1:5672 if left out.
Exit code 0: done. 1: refused, with the reason. 2: not understood. 3: no outcome yet; the command goes its way.
`;

const COMMANDS_EXCHANGE = 'orders.commands';
const EXIT = { done: 0, refused: 1, usage: 2, unknown: 3 } as const;

const OPTIONS = {
  customer: { type: 'string' },
  product: { type: 'string' },
  quantity: { type: 'string', default: '1' },
  manual: { type: 'boolean', default: false },
  reason: { type: 'string', default: 'asked for' },
  'message-id': { type: 'string' },
  'on-behalf-of': { type: 'string' },
  timeout: { type: 'string', default: '30' },
  help: { type: 'boolean', default: false },
} as const;

type Arguments = ReturnType<typeof parse>;

/** `{ ok: true, order }` or `{ ok: false, problem }`. */
interface Outcome {
  readonly ok: boolean;
}

function parse() {
  return parseArgs({ allowPositionals: true, options: OPTIONS });
}

/** Undefined: not understood. */
function commandOf({
  values,
  positionals,
}: Arguments): { readonly routingKey: string; readonly body: object } | undefined {
  const [type, orderId] = positionals;
  const { customer, product, quantity, manual, reason } = values;
  if (type === 'confirm' && orderId !== undefined) return { routingKey: 'order.confirm.v1', body: { orderId } };
  if (type === 'cancel' && orderId !== undefined) return { routingKey: 'order.cancel.v1', body: { orderId, reason } };
  if (type !== 'place' || customer === undefined || product === undefined) return undefined;
  const body = {
    customerId: customer,
    orderLines: [{ productId: product, quantity: Number(quantity), unitPrice: { amount: 1_250, currency: 'GBP' } }],
    shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1 9GU', country: 'GB' },
    // The token of the payment provider, never a card number.
    paymentMethod: { type: 'card', token: 'tok_visa' },
    confirmation: manual ? 'manual' : 'automatic',
  };
  return { routingKey: 'order.place.v1', body };
}

async function send(command: { readonly routingKey: string; readonly body: object }, { values }: Arguments) {
  const url = process.env['AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
  const messageId = values['message-id'] ?? randomUUID();
  const onBehalfOf = values['on-behalf-of'];
  const connection = new Connection(url);
  connection.on('error', (error: unknown) => process.stderr.write(`RabbitMQ: ${String(error)}\n`));

  // A queue of our own for the answer: Holdfast answers only into queues named after the user that sends. It goes with
  // the connection; the outcome can be asked for again.
  const user = decodeURIComponent(new URL(url).username) || 'guest';
  const replyTo = `${user}.replies.${randomUUID()}`;
  const correlationId = randomUUID();
  let answer: (outcome: Outcome | undefined) => void = () => undefined;
  const answered = new Promise<Outcome | undefined>((resolve) => (answer = resolve));
  const replies = connection.createConsumer(
    { queue: replyTo, queueOptions: { exclusive: true, autoDelete: true }, noAck: true },
    (message: AsyncMessage) => {
      if (message.correlationId === correlationId) answer(message.body as Outcome);
    },
  );
  replies.on('error', (error: unknown) => process.stderr.write(`${String(error)}\n`));
  await new Promise<void>((resolve) => replies.once('ready', resolve));

  const publisher = connection.createPublisher({ confirm: true });
  let isReturned = false;
  publisher.on('basic.return', () => (isReturned = true));
  await publisher.send(
    {
      exchange: COMMANDS_EXCHANGE,
      routingKey: command.routingKey,
      messageId,
      correlationId,
      replyTo,
      userId: user,
      contentType: 'application/json',
      durable: true,
      mandatory: true,
      ...(onBehalfOf !== undefined && { headers: { 'on-behalf-of': onBehalfOf } }),
    },
    Buffer.from(JSON.stringify(command.body)),
  );
  // The client tells of a returned message a turn of the event loop after its confirm.
  await new Promise(setImmediate);
  if (isReturned) throw new Error(`no queue takes ${command.routingKey}: no node of Holdfast was here yet`);
  process.stderr.write(`sent ${command.routingKey} as ${messageId}\n`);

  const timer = setTimeout(() => answer(undefined), Number(values.timeout) * 1_000);
  const outcome = await answered;
  clearTimeout(timer);
  await replies.close();
  await publisher.close();
  await connection.close();
  return { messageId, outcome };
}

const args = parse();
const command = commandOf(args);
if (command === undefined || args.values.help) {
  process.stdout.write(USAGE);
  process.exitCode = args.values.help ? EXIT.done : EXIT.usage;
} else {
  const { messageId, outcome } = await send(command, args);
  if (outcome === undefined) {
    process.stderr.write(`no outcome yet. Ask again with --message-id ${messageId}\n`);
    process.exitCode = EXIT.unknown;
  } else {
    process.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
    process.exitCode = outcome.ok ? EXIT.done : EXIT.refused;
  }
}
