/** From a row of the journal to the messages that tell of it. */
import type { CommittedRow } from '../../runtime/entity/log-follower.ts';
import type { Kinds } from '../../runtime/kinds.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { decodeEvents } from '../../persistence/event-codec.ts';
import type { JournalRow } from '../../persistence/ports.ts';
import type { MessageOrigin } from '../contracts/message-origin.ts';
import { isPublic, publicMessageOf, type PublicMessage } from '../contracts/public-message.ts';

/**
 * The public events of one row on their way out, one after the other. A message is made when it is sent, and made again
 * when it is sent again: the row is in memory anyway, and its messages would be several times as large.
 */
export class RowMessages {
  readonly row: CommittedRow;
  /** All of it is told. */
  readonly onTold: (row: CommittedRow) => void;
  readonly #epoch: number;
  readonly #origin: MessageOrigin;
  /** Of the event that is to be told next. */
  #ordinal: number;

  /** Undefined: none of its events is public. */
  static of(
    row: CommittedRow,
    epoch: number,
    origin: MessageOrigin,
    onTold: (row: CommittedRow) => void,
  ): RowMessages | undefined {
    const first = nextPublic(row, 0);
    return first < row.events.length ? new RowMessages(row, epoch, origin, first, onTold) : undefined;
  }

  private constructor(
    row: CommittedRow,
    epoch: number,
    origin: MessageOrigin,
    ordinal: number,
    onTold: (row: CommittedRow) => void,
  ) {
    this.row = row;
    this.#epoch = epoch;
    this.#origin = origin;
    this.#ordinal = ordinal;
    this.onTold = onTold;
  }

  get message(): PublicMessage {
    const message = messageAt(this.row, this.#epoch, this.#ordinal, this.#origin);
    invariant(message !== undefined, 'what is public has a message');
    return message;
  }

  /** The message is told. @returns whether it was the last one. */
  advance(): boolean {
    const { row } = this;
    this.#ordinal = nextPublic(row, this.#ordinal + 1);
    if (this.#ordinal < row.events.length) return false;
    this.onTold(row);
    return true;
  }
}

/** The public messages of a row, in order. */
export function messagesOf(row: CommittedRow, epoch: number, origin: MessageOrigin): PublicMessage[] {
  return row.events.flatMap((_event, ordinal) => messageAt(row, epoch, ordinal, origin) ?? []);
}

/** @throws CorruptionError for a row that this build can't read. */
export function decodedRow(kinds: Kinds, row: JournalRow): CommittedRow {
  const type = kinds.find(row.entityId);
  if (!type) throw new CorruptionError(`${row.entityId} is of no kind that this build knows`);
  return { ...row, traceparent: row.meta?.traceparent, events: decodeEvents(row.events, type.events) };
}

function nextPublic({ events }: CommittedRow, from: number): number {
  let ordinal = from;
  while (ordinal < events.length && !isPublic(events[ordinal]!)) ordinal++;
  return ordinal;
}

function messageAt(
  row: CommittedRow,
  epoch: number,
  ordinal: number,
  origin: MessageOrigin,
): PublicMessage | undefined {
  const { shard, seq, entityId, version, commandId, at, traceparent, events } = row;
  const event = events[ordinal]!;
  const happened = { entityId, version, shard, seq, epoch, ordinal, at, commandId, traceparent, event };
  return publicMessageOf(happened, origin);
}
