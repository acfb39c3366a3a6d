/** Finds the broker that a command works on: the one of AMQP_URL, at once or not at all. */
import { pino } from 'pino';
import { systemClock } from '../../kernel/clock.ts';
import type { Config } from '../../config/config.ts';
import { messageOf } from '../../kernel/errors.ts';
import { Broker } from '../../messaging/rabbitmq/broker.ts';
import { CommandError } from './command-line.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** Runs `work` with a connection that is open. @throws CommandError saying why there is none. */
export async function withBroker<T>(
  { amqpUrl }: Config,
  name: string,
  work: (connection: Broker['connection']) => Promise<T>,
): Promise<T> {
  if (amqpUrl === undefined) {
    throw new CommandError(
      'AMQP_URL is not set, so there is no broker. Set it as for the node: amqp://user:password@host:5672/vhost.',
    );
  }
  const broker = new Broker({ url: amqpUrl, name, clock: systemClock, log: pino({ level: 'silent' }) });
  try {
    await connected(broker);
    return await work(broker.connection);
  } finally {
    await broker.close();
  }
}

/** The first failure ends the wait: a person who mistyped a port need not wait for it to open. */
async function connected({ connection }: Broker): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), CONNECT_TIMEOUT_MS);
      connection.once('connection', resolve);
      connection.once('error', reject);
    });
  } catch (error) {
    // The client puts a method's name before the broker's text, even if there is none.
    const reason =
      messageOf(error)
        .replace(/^undefined: /, '')
        .replace(/\.+$/, '') || 'no answer';
    throw new CommandError(`RabbitMQ can't be reached: ${reason}. Start it, or correct AMQP_URL.`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
