/**
 * Sends one command to Holdfast and waits for its outcome.
 *
 * The message id identifies the command: sent again under the same id it has no second effect, and the same outcome is
 * answered. So send it again if there is no answer. Message ids belong to their sender, the user of AMQP_URL, which the
 * broker checks.
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
  --timeout SECONDS   how long to wait for the outcome, at most 3600; 30 if left out

Settings: AMQP_URL, amqp://guest:guest@127.0.0.1:5672 if left out.
Exit code 0: done. 1: refused, with the reason. 2: not understood. 3: no outcome yet; the command may go its way.
4: not sent, because RabbitMQ can't be reached or does not allow it.
`;

const COMMANDS_EXCHANGE = 'orders.commands';
const EXIT = { done: 0, refused: 1, usage: 2, unknown: 3, unsent: 4 } as const;
const TIMEOUT_SECONDS_MAX = 3_600;
/** To connect and have the command taken. */
const SENDING_MS_MAX = 10_000;

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

class NotSent extends Error {}

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
  // A failure before the command is taken ends the attempt: waiting would not give a right or a password.
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => undefined);
  const late = setTimeout(() => fail(new Error(`nothing came within ${SENDING_MS_MAX / 1_000} s`)), SENDING_MS_MAX);
  let isSent = false;
  const onError = (error: unknown): void => {
    if (isSent) process.stderr.write(`RabbitMQ: ${String(error)}\n`);
    else fail(error);
  };
  connection.on('error', onError);

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
  replies.on('error', onError);
  const publisher = connection.createPublisher({ confirm: true });
  const sending = async (): Promise<void> => {
    await new Promise<void>((resolve) => replies.once('ready', resolve));

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
  };
  try {
    await Promise.race([sending(), failed]);
  } catch (error) {
    connection.unsafeDestroy();
    throw new NotSent(`the command is not known to be sent: ${String(error)}`);
  } finally {
    clearTimeout(late);
  }
  isSent = true;
  process.stderr.write(`sent ${command.routingKey} as ${messageId}\n`);

  const timer = setTimeout(() => answer(undefined), Number(values.timeout) * 1_000);
  const outcome = await answered;
  clearTimeout(timer);
  await replies.close();
  await publisher.close();
  await connection.close();
  return { messageId, outcome };
}

/** @returns the exit code. */
async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = parse();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const command = commandOf(args);
  const seconds = Number(args.values.timeout);
  if (command === undefined || args.values.help || !(seconds > 0 && seconds <= TIMEOUT_SECONDS_MAX)) {
    process.stdout.write(USAGE);
    return args.values.help ? EXIT.done : EXIT.usage;
  }
  try {
    const { messageId, outcome } = await send(command, args);
    if (outcome === undefined) {
      process.stderr.write(`no outcome yet. Ask again with --message-id ${messageId}\n`);
      return EXIT.unknown;
    }
    process.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
    return outcome.ok ? EXIT.done : EXIT.refused;
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT.unsent;
  }
}

process.exitCode = await main();
