/**
 * Owns what a message keeps when it is published again: its body, its properties, and the headers of its sender.
 *
 * Left out are what would have an effect of its own: `expiration` (it would be gone from the dead-letter queue),
 * `user-id` (the broker refuses it from another user; it moves into a header), `CC` and `BCC` (more copies), and what
 * the broker counts. A kept `x-death` would make a broker before 4.0 take the next round of the ladder for an endless
 * loop, and drop the message without a word. What looks like a card number is left out wherever it stands.
 */
import type { Envelope } from 'rabbitmq-client';
import { isKeptHeader, keptText } from './kept-text.ts';
import type { Message } from './read-command.ts';
import { OWN_HEADERS, USER_ID_HEADER } from './own-headers.ts';
import { isOwnCopy } from './sender.ts';

const BROKERS_HEADERS = /^(?:x-death|x-(?:first|last)-death-.*|x-delivery-count|x-acquired-count|x-opt-.*|CC|BCC)$/;

/**
 * @param added headers; they win.
 * @param dropped names of headers that end here.
 * @param isOurs it is a copy of ours already, so its headers are our own word. Of other messages OWN_HEADERS end here.
 */
export function copyOf(
  message: Message,
  added: Readonly<Record<string, string | number>>,
  dropped: readonly string[] = [],
  isOurs = isOwnCopy(message),
): Envelope {
  const { appId, contentEncoding, contentType, correlationId, messageId, replyTo, timestamp, type, userId } = message;
  const kept = Object.entries(message.headers ?? {}).filter(
    ([name, value]) =>
      value !== undefined &&
      !BROKERS_HEADERS.test(name) &&
      !dropped.includes(name) &&
      (isOurs || !OWN_HEADERS.includes(name)) &&
      isKeptHeader([name, value]),
  );
  const headers: Record<string, unknown> = { ...Object.fromEntries(kept), ...added };
  if (isGiven(userId)) headers[USER_ID_HEADER] = userId;
  const properties = { appId, contentEncoding, contentType, correlationId, messageId, replyTo, timestamp, type };
  const given = Object.entries(properties).filter(([, value]) => isGiven(value));
  return { ...(Object.fromEntries(given) as Envelope), headers, durable: true };
}

function isGiven(property: string | number | undefined): boolean {
  return typeof property === 'string' ? keptText(property) !== undefined : property !== undefined;
}

/** The bytes of the body, or of the same JSON. @throws RangeError for JSON that is nested too deep to be written. */
export function bodyBytesOf({ body, contentType }: Message): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' && contentType === 'text/plain' ? body : JSON.stringify(body));
}
