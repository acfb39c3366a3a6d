/** From a row of the journal to the messages of its public events. */
import type { CommittedRow } from '../../runtime/entity/log-follower.ts';
import type { Kinds } from '../../runtime/kinds.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { decodeEvents } from '../../persistence/event-codec.ts';
import type { JournalRow } from '../../persistence/ports.ts';
import type { PublicMessage, PublicMessages } from '../contracts/public-message.ts';

/**
 * The public events of one row on their way out, one after the other. A message is made when it is sent, and made again
 * when it is sent again: the row is in memory anyway, and its messages would be several times as large.
 */
export class RowMessages {
  readonly row: CommittedRow;
  /** All of it is published. */
  readonly onPublished: (row: CommittedRow) => void;
  readonly #epoch: number;
  readonly #messages: PublicMessages;
  /** Of the event that is to be published next. */
  #ordinal: number;

  /** Undefined: none of its events is public. */
  static of(
    row: CommittedRow,
    epoch: number,
    messages: PublicMessages,
    onPublished: (row: CommittedRow) => void,
  ): RowMessages | undefined {
    const first = nextPublic(row, 0, messages);
    return first < row.events.length ? new RowMessages(row, epoch, messages, first, onPublished) : undefined;
  }

  private constructor(
    row: CommittedRow,
    epoch: number,
    messages: PublicMessages,
    ordinal: number,
    onPublished: (row: CommittedRow) => void,
  ) {
    this.row = row;
    this.#epoch = epoch;
    this.#messages = messages;
    this.#ordinal = ordinal;
    this.onPublished = onPublished;
  }

  get message(): PublicMessage {
    const message = messageAt(this.row, this.#epoch, this.#ordinal, this.#messages);
    invariant(message !== undefined, 'what is public has a message');
    return message;
  }

  /** The message is published. @returns whether it was the last one. */
  advance(): boolean {
    const { row } = this;
    this.#ordinal = nextPublic(row, this.#ordinal + 1, this.#messages);
    if (this.#ordinal < row.events.length) return false;
    this.onPublished(row);
    return true;
  }
}

/** The public messages of a row, in order. */
export function messagesOf(row: CommittedRow, epoch: number, messages: PublicMessages): PublicMessage[] {
  return row.events.flatMap((_event, ordinal) => messageAt(row, epoch, ordinal, messages) ?? []);
}

/** @throws CorruptionError for a row that this build can't read. */
export function decodedRow(kinds: Kinds, row: JournalRow): CommittedRow {
  const type = kinds.find(row.entityId);
  if (!type) throw new CorruptionError(`${row.entityId} is of no kind that this build knows`);
  return { ...row, traceparent: row.meta?.traceparent, events: decodeEvents(row.events, type.events) };
}

function nextPublic({ events }: CommittedRow, from: number, messages: PublicMessages): number {
  let ordinal = from;
  while (ordinal < events.length && !messages.isPublic(events[ordinal]!)) ordinal++;
  return ordinal;
}

function messageAt(
  row: CommittedRow,
  epoch: number,
  ordinal: number,
  messages: PublicMessages,
): PublicMessage | undefined {
  const { shard, seq, entityId, version, commandId, at, traceparent, events } = row;
  const event = events[ordinal]!;
  return messages.messageOf({ entityId, version, shard, seq, epoch, ordinal, at, commandId, traceparent, event });
}
