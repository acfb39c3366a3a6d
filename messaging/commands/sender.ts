/**
 * Owns who sent a command, what the node believes of that, and where the sender may be answered.
 *
 * The broker checks the property `user-id` against the sender's login. An `app-id` is only the sender's own word, so the
 * two never share a name: an app called like a user is another sender.
 *
 * The node may write to every queue of the virtual host, its senders may not. So it answers only where the sender could
 * read anyway: into a queue that carries the sender's verified name, or by RabbitMQ's direct reply-to, whose address
 * only the channel that asked knows.
 */
import type { AsyncMessage } from 'rabbitmq-client';
import { isSubject } from '../../kernel/subject.ts';
import { COMMANDS_QUEUE } from '../rabbitmq/topology.ts';
import { USER_ID_HEADER } from './own-headers.ts';

export interface Sender {
  /** 1 to 200 printable characters. */
  readonly name: string;
  /** `user`: a login that the broker has checked. `app`: what the message says. */
  readonly kind: 'user' | 'app';
}

type Addressed = Pick<AsyncMessage, 'exchange' | 'routingKey'>;
type Signed = Addressed & Pick<AsyncMessage, 'userId' | 'appId' | 'headers'>;

/** As RabbitMQ writes it: the broker puts a channel's secret behind it. */
const DIRECT_REPLY_TO = /^amq\.rabbitmq\.reply-to\.[^\s]{1,230}$/;
/** No dot: `shop.replies.x` must not also be a queue of a user called `shop.replies`. */
const REPLY_QUEUE_SUFFIX = /^\.replies\.[A-Za-z0-9_-]{1,128}$/;

/**
 * A copy that the node made: it came through the default exchange, by the queue's name, as from the retry ladder. Both
 * are the broker's word. To publish there takes write access to `amq.default`, which no integrator has; a message with
 * this routing key that came through `orders.commands` is a sender's.
 */
export function isOwnCopy({ exchange, routingKey }: Addressed): boolean {
  return exchange === '' && routingKey === COMMANDS_QUEUE;
}

/** As a token's `sub`. */
export function isPrintableName(text: unknown): text is string {
  return typeof text === 'string' && isSubject(text);
}

/** Undefined: the message names no sender, or one that is no name. */
export function senderOf(message: Signed): Sender | undefined {
  const { userId, appId, headers } = message;
  const copied: unknown = isOwnCopy(message) ? headers?.[USER_ID_HEADER] : undefined;
  const user: unknown = userId ?? copied;
  if (user !== undefined) return isPrintableName(user) ? { name: user, kind: 'user' } : undefined;
  return isPrintableName(appId) ? { name: appId, kind: 'app' } : undefined;
}

/** Whether the sender may be answered there. */
export function isOwnReplyTo(replyTo: string, sender: Sender | undefined): boolean {
  if (DIRECT_REPLY_TO.test(replyTo)) return true;
  if (sender?.kind !== 'user' || !replyTo.startsWith(sender.name)) return false;
  return REPLY_QUEUE_SUFFIX.test(replyTo.slice(sender.name.length));
}
