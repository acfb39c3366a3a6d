/**
 * Owns the step from a message to a command, or to what is wrong with it. Looks at the envelope alone: what the body
 * may say is the edge's to judge. Order of checks: type, version, message id, sender, where to answer, body.
 *
 * A message that came back from the retry ladder or was put aside by the broker carries the queue's name as its
 * routing key; its own is in a header then.
 */
import type { AsyncMessage } from 'rabbitmq-client';
import { JSON_BYTES_MAX, JsonFault, parseBoundedJson } from '../../kernel/bounded-json.ts';
import { isJsonType } from '../../kernel/media-type.ts';
import { traceparentOf } from '../../kernel/trace-context.ts';
import type { CommandFault, CommandMessage } from './command-port.ts';
import { keptText } from './kept-text.ts';
import { ROUTING_KEY_HEADER } from './own-headers.ts';
import { isOwnCopy, isOwnReplyTo, isPrintableName, senderOf, type Sender } from './sender.ts';

export type Message = Omit<AsyncMessage, 'consumerTag' | 'deliveryTag' | 'redelivered' | 'body'> & {
  /** Its bytes (see raw-bodies.ts); parsed, where the client library did that. */
  readonly body: unknown;
  /** It was given out before, here or elsewhere, and went back. */
  readonly redelivered?: boolean;
};

const ON_BEHALF_OF_HEADER = 'on-behalf-of';

/** Stable: people and tools look for them. */
export type FaultReason =
  | 'unknown_type'
  | 'unknown_version'
  | 'message_id_invalid'
  | 'sender_invalid'
  | 'reply_to_refused'
  | 'unsupported_media_type'
  | 'payload_too_large'
  | 'too_deep'
  | 'too_many_values'
  | 'malformed_json';

export type ReadCommand =
  | { readonly kind: 'command'; readonly command: CommandMessage }
  | { readonly kind: 'fault'; readonly reason: FaultReason; readonly fault: CommandFault };

/** A command's name, and its version. */
const ROUTING_KEY = /^(.+)\.v([1-9]\d{0,3})$/;
const PRINTABLE_ASCII = /^[ -~]{1,255}$/;
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['', 'identity', 'utf-8', 'utf8']);
const CARD_REMEDY = 'must not look like a card number; use a UUID';

/** @param known routing keys of the commands that are taken. */
export function readCommand(message: Message, known: ReadonlySet<string>): ReadCommand {
  const routingKey = routingKeyOf(message);
  if (!known.has(routingKey)) return unknownCommand(routingKey, [...known]);
  const { messageId } = message;
  if (messageId === undefined || !PRINTABLE_ASCII.test(messageId)) {
    return fault(
      'message_id_invalid',
      'message-id',
      'must be 1 to 255 printable ASCII characters, the same at each sending',
    );
  }
  if (keptText(messageId) === undefined) return fault('message_id_invalid', 'message-id', CARD_REMEDY);
  const sender = senderOf(message);
  if (sender === undefined) {
    return fault('sender_invalid', 'user-id', 'or app-id must name the sender in 1 to 200 printable characters');
  }
  if (keptText(sender.name) === undefined) {
    return fault('sender_invalid', 'user-id', 'or app-id must not look like a card number; name the application');
  }
  const { replyTo = '' } = message;
  if (replyTo !== '' && !isOwnReplyTo(replyTo, sender)) return fault('reply_to_refused', 'reply-to', replyRule(sender));
  const body = bodyOf(message);
  if (body.kind === 'fault') return body;
  const onBehalfOf: unknown = message.headers?.[ON_BEHALF_OF_HEADER];
  const audited = isPrintableName(onBehalfOf) && keptText(onBehalfOf) !== undefined ? { onBehalfOf } : {};
  const traceparent = traceparentOf(message.headers?.['traceparent']);
  const traced = traceparent === undefined ? {} : { traceparent };
  return { kind: 'command', command: { routingKey, body: body.value, sender, messageId, ...audited, ...traced } };
}

/** The routing key that the sender gave. */
export function routingKeyOf(message: Pick<Message, 'exchange' | 'routingKey' | 'headers'>): string {
  const own: unknown = message.headers?.[ROUTING_KEY_HEADER];
  return isOwnCopy(message) && typeof own === 'string' ? own : message.routingKey;
}

function replyRule({ kind, name }: Sender): string {
  const direct = 'amq.rabbitmq.reply-to (direct reply-to)';
  if (kind === 'app')
    return `must be ${direct}; a queue of your own takes the property user-id, which proves whose it is`;
  return `must be ${name}.replies.NAME, where NAME has letters, digits, "-" and "_" only, or ${direct}`;
}

type ReadBody = { readonly kind: 'body'; readonly value: unknown } | Extract<ReadCommand, { kind: 'fault' }>;

function bodyOf({ body, contentType, contentEncoding = '' }: Message): ReadBody {
  const isJson = contentType === undefined || isJsonType(contentType);
  if (!isJson || !PLAIN_ENCODINGS.has(contentEncoding.toLowerCase())) {
    return fault('unsupported_media_type', 'content-type', 'must be application/json, without a content-encoding');
  }
  if (!Buffer.isBuffer(body)) return { kind: 'body', value: body };
  if (body.length > JSON_BYTES_MAX) {
    const detail = `The body is larger than ${JSON_BYTES_MAX} bytes; send less at a time.`;
    return { kind: 'fault', reason: 'payload_too_large', fault: { code: 'payload_too_large', detail } };
  }
  try {
    return { kind: 'body', value: parseBoundedJson(body).value };
  } catch (thrown) {
    if (!(thrown instanceof JsonFault)) throw thrown;
    const code = thrown.code === 'malformed_json' ? thrown.code : 'validation_failed';
    return { kind: 'fault', reason: thrown.code, fault: { code, detail: thrown.message } };
  }
}

function unknownCommand(routingKey: string, known: readonly string[]): Extract<ReadCommand, { kind: 'fault' }> {
  const name = ROUTING_KEY.exec(routingKey)?.[1];
  const versions = known.flatMap((key) => {
    const [, knownName, version] = ROUTING_KEY.exec(key) ?? [];
    return name !== undefined && knownName === name ? [version] : [];
  });
  return versions.length === 0
    ? fault('unknown_type', 'routing-key', `is no command that is known here; known: ${known.join(', ')}`)
    : fault('unknown_version', 'routing-key', `${name} is known here in version ${versions.join(' and ')} alone`);
}

/** @param property of the message that is at fault. */
function fault(reason: FaultReason, property: string, detail: string): Extract<ReadCommand, { kind: 'fault' }> {
  const code = reason === 'unsupported_media_type' ? reason : 'validation_failed';
  const errors = [{ pointer: property, code: reason, detail }];
  return { kind: 'fault', reason, fault: { code, detail: `"${property}" ${detail}.`, errors } };
}
