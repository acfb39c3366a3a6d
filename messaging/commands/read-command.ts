/**
 * Owns the step from a message to a command, or to what is wrong with it. Looks at the envelope alone: what the body
 * may say is the edge's to judge. Order of checks: type, version, message id, sender, where to answer, body.
 *
 * A message that came back from the retry ladder or was put aside by the broker carries the queue's name as its
 * routing key; its own is in a header then.
 */
import { isUtf8 } from 'node:buffer';
import type { AsyncMessage } from 'rabbitmq-client';
import { traceparentOf } from '../../kernel/trace-context.ts';
import { COMMAND_TYPES, type CommandFault, type CommandType, type OrderCommand } from './order-commands.ts';
import { ROUTING_KEY_HEADER } from './own-headers.ts';
import { isOwnCopy, isOwnReplyTo, isPrintableName, senderOf, type Sender } from './sender.ts';

export type Message = Omit<AsyncMessage, 'consumerTag' | 'deliveryTag' | 'redelivered' | 'body'> & {
  /** Parsed, where the client library could parse it as what it says it is. */
  readonly body: unknown;
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
  | 'malformed_json';

export type ReadCommand =
  | { readonly kind: 'command'; readonly command: OrderCommand }
  | { readonly kind: 'fault'; readonly reason: FaultReason; readonly fault: CommandFault };

const ROUTING_KEY = /^order\.([a-z]+)\.v([1-9]\d{0,3})$/;
const VERSION = '1';
const PRINTABLE_ASCII = /^[ -~]{1,255}$/;
const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['', 'identity', 'utf-8', 'UTF-8']);

export function readCommand(message: Message): ReadCommand {
  const routingKey = routingKeyOf(message);
  const [, type, version] = ROUTING_KEY.exec(routingKey) ?? [];
  if (!isCommandType(type)) {
    const known = COMMAND_TYPES.map((each) => `order.${each}.v${VERSION}`).join(', ');
    return fault('unknown_type', 'routing-key', `is no command that is known here; known: ${known}`);
  }
  if (version !== VERSION) {
    return fault('unknown_version', 'routing-key', `order.${type} is known here in version ${VERSION} alone`);
  }
  const { messageId } = message;
  if (messageId === undefined || !PRINTABLE_ASCII.test(messageId)) {
    return fault(
      'message_id_invalid',
      'message-id',
      'must be 1 to 255 printable ASCII characters, the same at each sending',
    );
  }
  const sender = senderOf(message);
  if (sender === undefined) {
    return fault('sender_invalid', 'user-id', 'or app-id must name the sender in 1 to 200 printable characters');
  }
  const { replyTo = '' } = message;
  if (replyTo !== '' && !isOwnReplyTo(replyTo, sender)) return fault('reply_to_refused', 'reply-to', replyRule(sender));
  const body = bodyOf(message);
  if (body.kind === 'fault') return body;
  const onBehalfOf: unknown = message.headers?.[ON_BEHALF_OF_HEADER];
  const audited = isPrintableName(onBehalfOf) ? { onBehalfOf } : {};
  const traceparent = traceparentOf(message.headers?.['traceparent']);
  const traced = traceparent === undefined ? {} : { traceparent };
  return { kind: 'command', command: { type, body: body.value, sender, messageId, ...audited, ...traced } };
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
  if ((contentType !== undefined && !JSON_TYPE.test(contentType)) || !PLAIN_ENCODINGS.has(contentEncoding)) {
    return fault('unsupported_media_type', 'content-type', 'must be application/json, without a content-encoding');
  }
  if (!Buffer.isBuffer(body)) return { kind: 'body', value: body };
  try {
    if (isUtf8(body)) return { kind: 'body', value: JSON.parse(body.toString()) as unknown };
  } catch {
    // The parser's message quotes the body: it must not be passed on.
  }
  return {
    kind: 'fault',
    reason: 'malformed_json',
    fault: { code: 'malformed_json', detail: 'The body is not valid JSON (RFC 8259).' },
  };
}

function isCommandType(text: string | undefined): text is CommandType {
  return (COMMAND_TYPES as readonly (string | undefined)[]).includes(text);
}

/** @param property of the message that is at fault. */
function fault(reason: FaultReason, property: string, detail: string): Extract<ReadCommand, { kind: 'fault' }> {
  const code = reason === 'unsupported_media_type' ? reason : 'validation_failed';
  const errors = [{ pointer: property, code: reason, detail }];
  return { kind: 'fault', reason, fault: { code, detail: `"${property}" ${detail}.`, errors } };
}
