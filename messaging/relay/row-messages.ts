/** From a row of the journal to the messages that tell of it. */
import type { CommittedRow } from '../../actors/entity/log-follower.ts';
import { isEntityId, kindOf } from '../../domain/addresses.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import { decodeEvents, EVENT_FORMS } from '../../persistence/event-codec.ts';
import type { JournalRow } from '../../persistence/ports.ts';
import { publicMessageOf, type PublicMessage } from '../contracts/public-message.ts';

/** The public messages of a row, in order. */
export function messagesOf(
  { shard, seq, entityId, version, commandId, at, traceparent, events }: CommittedRow,
  epoch: number,
): PublicMessage[] {
  const messages: PublicMessage[] = [];
  for (let ordinal = 0; ordinal < events.length; ordinal++) {
    const event = events[ordinal]!;
    const message = publicMessageOf({
      entityId,
      version,
      shard,
      seq,
      epoch,
      ordinal,
      at,
      commandId,
      traceparent,
      event,
    });
    if (message) messages.push(message);
  }
  return messages;
}

/** @throws CorruptionError for a row that this build can't read. */
export function decodedRow(row: JournalRow): CommittedRow {
  if (!isEntityId(row.entityId)) throw new CorruptionError(`${row.entityId} is of no kind that this build knows`);
  return {
    ...row,
    traceparent: row.meta?.traceparent,
    events: decodeEvents(row.events, EVENT_FORMS[kindOf(row.entityId)]),
  };
}
