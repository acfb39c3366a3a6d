/** What an entity's stored rows add up to. The one fold: recovery, catching up of projections and tools all use it. */
import { CorruptionError, messageOf } from '../../kernel/errors.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { decodeEvents } from '../../persistence/event-codec.ts';
import type { JournalRow, StoredEntity } from '../../persistence/ports.ts';
import type { EntityType } from './entity-type.ts';
import { KnownCommands } from './known-commands.ts';

export interface FoldedEntity {
  readonly state: unknown;
  readonly version: number;
  readonly known: KnownCommands;
  /** Place of its first row in its shard; 0 where a snapshot stands for it (only kinds that never show it have one). */
  readonly firstSeq: number;
  /** Time of its last row. */
  readonly at: EpochMs;
  readonly snapshotVersion: number;
  /** Of its last row that has events. */
  readonly traceparent: string | undefined;
}

/** What a snapshot holds: `known` are the fingerprinted command ids. */
export interface SnapshotContent {
  readonly state: unknown;
  readonly known: readonly (readonly [string, string])[];
}

/** True when this build can't use the snapshot: read the entity again without it. */
export function snapshotOutdated(type: EntityType, stored: StoredEntity): boolean {
  return stored.snapshot !== undefined && stored.snapshot.schema !== type.decider.snapshot?.schema;
}

/**
 * @throws CorruptionError when the rows are not dense, can't be decoded, or contradict each other. Where there is a
 *   snapshot it may be the one at fault, whatever is thrown: fold the whole log then.
 */
export function foldEntity(type: EntityType, entityId: string, shard: number, stored: StoredEntity): FoldedEntity {
  const { decider } = type;
  const { knownCommandsMax } = type.limits;
  let state = decider.initial(entityId);
  let known = new KnownCommands(knownCommandsMax);
  let version = 0;
  let at = 0;
  let firstSeq: number | undefined;
  let traceparent: string | undefined;
  if (stored.snapshot && decider.snapshot) {
    const content = stored.snapshot.state as SnapshotContent;
    state = decider.snapshot.decode(content.state, entityId);
    known = new KnownCommands(knownCommandsMax, content.known);
    version = stored.snapshot.version;
    at = stored.snapshot.at;
    firstSeq = 0;
  }
  const snapshotVersion = version;
  for (const row of stored.rows) {
    if (row.version !== version + 1)
      throw new CorruptionError(`${entityId}: version ${row.version} follows ${version}`);
    if (row.shard !== shard) throw new CorruptionError(`${entityId} has rows in shard ${row.shard} and ${shard}`);
    const evolved = evolveRow(type, entityId, state, row);
    state = evolved.state;
    if (row.meta?.fingerprint !== undefined) known.remember(row.commandId, row.meta.fingerprint);
    firstSeq ??= row.seq;
    version = row.version;
    at = row.at;
    if (evolved.changed) traceparent = row.meta?.traceparent;
  }
  return { state, version, known, firstSeq: firstSeq ?? 0, at, snapshotVersion, traceparent };
}

/** Whatever a damaged event makes the decider stumble over is the row's fault. */
function evolveRow(
  { decider, events: forms }: EntityType,
  entityId: string,
  state: unknown,
  row: JournalRow,
): { state: unknown; changed: boolean } {
  try {
    let evolved = state;
    const events = decodeEvents(row.events, forms);
    for (const event of events) evolved = decider.evolve(evolved, event, row.at);
    if (events.length === 0 && !row.meta?.fingerprint)
      throw new CorruptionError('a row without events binds no command');
    return { state: evolved, changed: events.length > 0 };
  } catch (error) {
    throw new CorruptionError(`${entityId} can't be read from version ${row.version} on: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
