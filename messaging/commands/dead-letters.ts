/**
 * Owns the look into the dead-letter queue and the way back out of it. A message is taken without being acknowledged,
 * so whatever happens to the one who looks, it is in the queue again; one that is sent back leaves the queue only
 * after the broker has confirmed its copy. Killed in between, it is in both, and its message id makes it one command.
 */
import { createHash } from 'node:crypto';
import type { Connection, SyncMessage } from 'rabbitmq-client';
import type { Clock } from '../../kernel/clock.ts';
import { COMMANDS_QUEUE, DEAD_LETTER_QUEUE } from '../rabbitmq/topology.ts';
import { ConfirmedPublisher } from './confirmed-publisher.ts';
import { bodyBytesOf, copyOf } from './message-copy.ts';
import {
  ATTEMPTS_HEADER,
  DETAIL_HEADER,
  FAILED_AT_HEADER,
  OWN_HEADERS,
  REASON_HEADER,
  ROUTING_KEY_HEADER,
  USER_ID_HEADER,
} from './own-headers.ts';

export interface DeadLetter {
  /** The message id, or for a message without one a name made from its content. */
  readonly id: string;
  /** As its sender gave it. */
  readonly routingKey: string;
  /** A stable code; what the broker itself put aside has the broker's: `delivery_limit`, `rejected`, `expired`. */
  readonly reason: string;
  readonly detail: string;
  /** Undefined: the broker put it aside, and the attempts were not counted. */
  readonly attempts: number | undefined;
  /** ISO 8601. */
  readonly failedAt: string | undefined;
  /** Put aside by a node, so its headers are the node's word. A letter of the broker may hold what a sender wrote. */
  readonly isOurs: boolean;
  readonly message: SyncMessage;
}

const DIGITS_OF_CONTENT = 12;

/** Of the broker's reasons, for people. */
const BROKERS_DETAILS: Readonly<Record<string, string>> = {
  delivery_limit: 'was given out too often without an answer: it may end the process that handles it',
  rejected: 'was rejected by its consumer, which could not copy it',
  expired: 'had an expiration of its own, and was not handled in time',
};

/** What was said about it here ends with its way back; who sent it does not. */
const HISTORY_HEADERS = OWN_HEADERS.filter((name) => name !== USER_ID_HEADER);

/**
 * Shows each message that is there now, oldest first, and leaves all of them there.
 * @param visit returns false to see no more
 */
export async function visitDeadLetters(connection: Connection, visit: (letter: DeadLetter) => boolean): Promise<void> {
  await eachDeadLetter(connection, async (letter) => (visit(letter) ? 'keep' : 'stop'));
}

/**
 * Sends messages back to be handled anew, with their own routing keys and no history.
 *
 * @param isWanted is asked once about each message that was there at the beginning, and about no later one
 * @returns the ids of those that were sent back
 * @throws what the publisher throws: the message at fault and all after it are still in the queue
 */
export async function redriveDeadLetters(
  connection: Connection,
  clock: Clock,
  isWanted: (letter: DeadLetter) => boolean,
): Promise<string[]> {
  const redriven: string[] = [];
  const publisher = new ConfirmedPublisher(connection, { clock });
  try {
    await eachDeadLetter(connection, async (letter) => {
      if (!isWanted(letter)) return 'keep';
      // To the queue itself, as from the ladder: there our headers are believed.
      const copy = copyOf(letter.message, { [ROUTING_KEY_HEADER]: letter.routingKey }, HISTORY_HEADERS, letter.isOurs);
      if (isUnprovenCopy(letter)) delete copy.appId;
      await publisher.publish({ ...copy, routingKey: COMMANDS_QUEUE }, bodyBytesOf(letter.message));
      redriven.push(letter.id);
      return 'done';
    });
  } finally {
    await publisher.close();
  }
  return redriven;
}

type Verdict = 'keep' | 'done' | 'stop';

async function eachDeadLetter(connection: Connection, visit: (letter: DeadLetter) => Promise<Verdict>): Promise<void> {
  const channel = await connection.acquire();
  try {
    const { messageCount } = await channel.queueDeclare({ queue: DEAD_LETTER_QUEUE, passive: true });
    // What is kept stays with this channel until its end, so no message comes twice.
    for (let left = messageCount; left > 0; left--) {
      const message = await channel.basicGet({ queue: DEAD_LETTER_QUEUE });
      if (message === undefined) return;
      const verdict = await visit(letterOf(message));
      if (verdict === 'done') channel.basicAck({ deliveryTag: message.deliveryTag });
      if (verdict === 'stop') return;
    }
  } finally {
    // Gives back all that is not acknowledged.
    await channel.close();
  }
}

function letterOf(message: SyncMessage): DeadLetter {
  const headers: Readonly<Record<string, unknown>> = message.headers ?? {};
  const death = lastDeathOf(headers['x-death']);
  // The broker writes x-death on what it puts aside; a node's copies never have it.
  const own: Readonly<Record<string, unknown>> = 'x-death' in headers ? {} : headers;
  const ownReason = textOf(own[REASON_HEADER]);
  const reason = ownReason ?? death?.reason ?? 'unknown';
  const attempts = own[ATTEMPTS_HEADER];
  return {
    id: idOf(message),
    routingKey: sentAs(message),
    reason,
    detail: textOf(own[DETAIL_HEADER]) ?? BROKERS_DETAILS[reason] ?? '',
    attempts: ownReason !== undefined && typeof attempts === 'number' ? attempts : undefined,
    failedAt: textOf(own[FAILED_AT_HEADER]) ?? death?.at,
    isOurs: ownReason !== undefined,
    message,
  };
}

/**
 * The routing key of its sender. A copy in the ladder has the queue's name there and its own in a header. To send with
 * the queue's name takes the right to send any command, so the header can claim no right that its sender lacks.
 */
function sentAs({ routingKey, headers }: SyncMessage): string {
  return (routingKey === COMMANDS_QUEUE ? textOf(headers?.[ROUTING_KEY_HEADER]) : undefined) ?? routingKey;
}

/**
 * The broker put aside what may be a copy from the ladder, or a sender's imitation of one. Under its app-id it would be
 * another sender's command and might take effect twice; without one it is put aside again, for a person to see.
 */
function isUnprovenCopy({ isOurs, message: { routingKey, headers, userId } }: DeadLetter): boolean {
  return !isOurs && routingKey === COMMANDS_QUEUE && userId === undefined && headers?.[USER_ID_HEADER] !== undefined;
}

/** From what is the same at each look: the broker's own headers are not. */
function idOf(message: SyncMessage): string {
  const { messageId, routingKey, timestamp, headers } = message;
  if (messageId !== undefined && messageId !== '') return messageId;
  const failedAt = textOf(headers?.[FAILED_AT_HEADER]) ?? '';
  const digest = createHash('sha256').update(JSON.stringify([routingKey, timestamp ?? 0, failedAt]));
  return `content-${digest.update(bodyBytesOf(message)).digest('hex').slice(0, DIGITS_OF_CONTENT)}`;
}

/** The broker writes the latest first; its times are seconds. */
function lastDeathOf(deaths: unknown): { readonly reason: string; readonly at: string | undefined } | undefined {
  if (!Array.isArray(deaths)) return undefined;
  const [latest] = deaths as readonly { readonly reason?: unknown; readonly time?: unknown }[];
  const { reason, time } = latest ?? {};
  if (typeof reason !== 'string') return undefined;
  return { reason, at: typeof time === 'number' ? new Date(time * 1000).toISOString() : undefined };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
