/**
 * Reads the bindings, which only RabbitMQ's management API shows: AMQP can make a binding but not look at one. For
 * commands; a node never needs the API.
 */
import { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import type { BindingSpec } from './topology.ts';

const PORT = 15_672;
const TLS_PORT = 15_671;
const TIMEOUT_MS = 5_000;

/** The members of an answer that are read. RabbitMQ lists bindings between exchanges, too. */
const BINDINGS = z.array(
  z.object({
    source: z.string(),
    destination: z.string(),
    destination_type: z.enum(['queue', 'exchange']),
    routing_key: z.string(),
  }),
);

/** The bindings could not be read: the message says why, for a person. */
export class BindingsUnseen extends Error {
  override readonly name = 'BindingsUnseen';
}

/** Where the API is by default. @param amqpUrl of the broker. */
export function managementUrlOf(amqpUrl: string): string {
  const { protocol, hostname } = new URL(amqpUrl);
  return protocol === 'amqps:' ? `https://${hostname}:${TLS_PORT}` : `http://${hostname}:${PORT}`;
}

/**
 * The bindings of queues in the virtual host of `amqpUrl`, read with its user and password.
 * @param managementUrl without the path. @throws BindingsUnseen
 */
export async function readBindings(amqpUrl: string, managementUrl: string): Promise<readonly BindingSpec[]> {
  const { pathname, username, password } = new URL(amqpUrl);
  const vhost = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/';
  const credentials = `${decodeURIComponent(username) || 'guest'}:${decodeURIComponent(password) || 'guest'}`;
  try {
    const response = await fetch(new URL(`/api/bindings/${encodeURIComponent(vhost)}`, managementUrl), {
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return BINDINGS.parse(await response.json())
      .filter(({ source, destination_type: type }) => source !== '' && type === 'queue')
      .map(({ source, destination, routing_key: routingKey }) => ({
        exchange: source,
        queue: destination,
        routingKey,
      }));
  } catch (error) {
    throw new BindingsUnseen(`the management API at ${new URL(managementUrl).origin} shows none: ${reasonOf(error)}`);
  }
}

/** `fetch` hides the cause behind its own message. */
function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'its answer is none of RabbitMQ’s';
  return messageOf(error instanceof TypeError && error.cause !== undefined ? error.cause : error);
}
