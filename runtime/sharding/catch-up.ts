/**
 * Brings the read models of newly taken shards up to their epoch rows: what a former owner committed and didn't flush.
 * Views are made from whole entities, so a row's view may show a later row of the same tail; that one follows at once.
 * An entity that can't be read, or whose view can't be written, is set apart: no row keeps a shard from its next owner.
 */
import type { Logger } from 'pino';
import { EPOCH_ENTITY_PREFIX } from '../../kernel/entity-id.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { flushAround, type SetApart } from '../../persistence/flush-around.ts';
import type {
  JournalRow,
  JournalStore,
  ProjectionFlush,
  ProjectionStore,
  StoredEntity,
} from '../../persistence/ports.ts';
import type { ViewChange } from '../../persistence/view-definition.ts';
import type { EntityType } from '../entity/entity-type.ts';
import { foldEntity, snapshotOutdated } from '../entity/fold-entity.ts';
import type { Kinds } from '../kinds.ts';

const ROWS_PER_FLUSH_MAX = 5_000;

export interface CatchUpDeps {
  readonly journal: JournalStore;
  readonly projections: ProjectionStore;
  readonly kinds: Kinds;
  readonly log: Logger;
  /** Puts an entity on the list that people see. */
  readonly setApart: SetApart;
}

interface Move {
  readonly shard: number;
  readonly from: number;
  to: number;
}

/**
 * @param heads the seq of each shard's epoch row: the checkpoints end there.
 * @returns the shards whose checkpoint could be moved; another one has a newer owner already.
 */
export async function catchUp(deps: CatchUpDeps, heads: ReadonlyMap<number, number>): Promise<ReadonlySet<number>> {
  const checkpoints = await deps.projections.checkpoints([...heads.keys()]);
  const caughtUp = new Set<number>();
  let moves: Move[] = [];
  let rows: JournalRow[] = [];
  const flush = async (): Promise<void> => {
    if (moves.length === 0) return;
    const moved = await flushAround(deps.projections, await flushOf(deps, moves, rows), deps.setApart);
    for (const { shard, to } of moves) if (moved.has(shard) && to === heads.get(shard)) caughtUp.add(shard);
    moves = [];
    rows = [];
  };
  for (const [shard, head] of heads) {
    let at = checkpoints.get(shard) ?? 0;
    if (at === head) caughtUp.add(shard);
    while (at < head) {
      const tail = await deps.journal.readShard(shard, at, ROWS_PER_FLUSH_MAX);
      const last = Math.min(tail.at(-1)?.seq ?? head, head);
      moves.push({ shard, from: at, to: last });
      rows.push(...tail);
      at = last;
      // A shard's next page follows only on a moved checkpoint.
      if (rows.length >= ROWS_PER_FLUSH_MAX || at < head) await flush();
    }
  }
  await flush();
  return caughtUp;
}

async function flushOf(
  deps: CatchUpDeps,
  moves: readonly Move[],
  rows: readonly JournalRow[],
): Promise<ProjectionFlush> {
  const wakes = new Map<string, { shard: number; wakeAt: EpochMs | null }>();
  for (const { entityId, shard, wakeAt } of rows) {
    if (entityId.startsWith(EPOCH_ENTITY_PREFIX)) continue;
    if (deps.kinds.find(entityId)) wakes.set(entityId, { shard, wakeAt });
    else
      deps.log.error({ entityId, shard }, 'a row belongs to no kind of entity that this build knows; it is left out');
  }
  const changes: ViewChange[] = [];
  for (const type of deps.kinds.all) {
    if (!type.view) continue;
    const entityIds = [...wakes.keys()].filter((entityId) => deps.kinds.of(entityId) === type);
    changes.push(...(await viewsOf(deps, type, entityIds, wakes)));
  }
  const wakeUps: ProjectionFlush['wakeUps'][number][] = [];
  const settled: ProjectionFlush['settled'][number][] = [];
  for (const [entityId, { shard, wakeAt }] of wakes) {
    if (wakeAt === null) settled.push({ shard, entityId });
    else wakeUps.push({ shard, entityId, wakeAt });
  }
  return { moves, changes, wakeUps, settled };
}

const ENTITIES_PER_READ = 200;
/** Snapshots, and the logs of those that have none, are long. */
const SNAPSHOTS_PER_READ = 20;

async function viewsOf(
  deps: CatchUpDeps,
  type: EntityType,
  entityIds: readonly string[],
  wakes: ReadonlyMap<string, { shard: number; wakeAt: EpochMs | null }>,
): Promise<ViewChange[]> {
  const views: ViewChange[] = [];
  const withSnapshots = type.decider.snapshot !== undefined;
  const step = withSnapshots ? SNAPSHOTS_PER_READ : ENTITIES_PER_READ;
  for (let start = 0; start < entityIds.length; start += step) {
    const wanted = entityIds.slice(start, start + step);
    const found = await deps.journal.readEntities(wanted, withSnapshots);
    const again: string[] = [];
    for (const [entityId, stored] of found) {
      const { shard } = wakes.get(entityId)!;
      try {
        if (snapshotOutdated(type, stored)) again.push(entityId);
        else views.push(...viewOf(type, entityId, shard, stored));
      } catch (error) {
        if (stored.snapshot) again.push(entityId);
        else await leftBehind(deps, entityId, shard, error);
      }
    }
    // Their snapshots are no good: the whole log says it.
    const whole = again.length > 0 ? await deps.journal.readEntities(again, false) : new Map<string, StoredEntity>();
    for (const [entityId, stored] of whole) {
      const { shard } = wakes.get(entityId)!;
      try {
        views.push(...viewOf(type, entityId, shard, stored));
      } catch (error) {
        await leftBehind(deps, entityId, shard, error);
      }
    }
  }
  return views;
}

/** Empty for an entity that does not exist. @throws when its rows can't be folded. */
function viewOf(type: EntityType, entityId: string, shard: number, stored: StoredEntity): ViewChange[] {
  const { state, version, firstSeq, at } = foldEntity(type, entityId, shard, stored);
  if (!type.decider.exists(state)) return [];
  const shown = type.decider.answer(state, undefined);
  const settled = type.decider.outstanding(state).length === 0;
  return [{ view: type.view!, entityId, shard, version, shown, firstSeq, at, settled }];
}

/** The view stays as it was; the entity itself answers an error when it is asked. */
async function leftBehind(deps: CatchUpDeps, entityId: string, shard: number, error: unknown): Promise<void> {
  const reason = messageOf(error);
  deps.log.error({ entityId, reason }, 'an entity can not be read; its view is left behind');
  await deps.setApart({ entityId, shard, what: 'view', reason });
}
