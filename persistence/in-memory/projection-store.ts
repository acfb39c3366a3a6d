/**
 * The read models in memory, for tests of what lies above them. It keeps the same promises as the one in PostgreSQL,
 * which the contract suite in test/contract holds it to. One store may serve several owners, one after another or at
 * once: only the checkpoint tells them apart.
 */
import type { ProjectionFlush, ProjectionStore } from '../ports.ts';
import type { ViewChange, ViewDefinition } from '../view-definition.ts';

type StoredWakeUp = ProjectionFlush['wakeUps'][number];

/** A row's columns by their names, as the view's definition makes them. */
export type StoredColumns = Readonly<Record<string, string | number | boolean | null>>;

export class InMemoryProjectionStore implements ProjectionStore {
  readonly waiting = new Map<string, StoredWakeUp>();
  readonly #checkpoints = new Map<number, number>();
  readonly #tables = new Map<string, Map<string, StoredColumns>>();

  checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    return Promise.resolve(new Map(shards.map((shard) => [shard, this.#checkpoints.get(shard) ?? 0])));
  }

  wakeUps(shards: readonly number[]): Promise<StoredWakeUp[]> {
    const wanted = new Set(shards);
    return Promise.resolve([...this.waiting.values()].filter(({ shard }) => wanted.has(shard)));
  }

  flush({ moves, changes, wakeUps, settled }: ProjectionFlush): Promise<ReadonlySet<number>> {
    const moved = new Set<number>();
    for (const { shard, from, to } of moves) {
      if ((this.#checkpoints.get(shard) ?? 0) !== from) continue;
      this.#checkpoints.set(shard, to);
      moved.add(shard);
    }
    for (const change of changes) if (moved.has(change.shard)) this.#put(change);
    for (const wakeUp of wakeUps) if (moved.has(wakeUp.shard)) this.waiting.set(wakeUp.entityId, wakeUp);
    for (const { shard, entityId } of settled) if (moved.has(shard)) this.waiting.delete(entityId);
    return Promise.resolve(moved);
  }

  /** The rows of a view by their keys, in the order in which they were first written. */
  rows({ table }: ViewDefinition): ReadonlyMap<string, StoredColumns> {
    const known = this.#tables.get(table);
    if (known) return known;
    const rows = new Map<string, StoredColumns>();
    this.#tables.set(table, rows);
    return rows;
  }

  #put(change: ViewChange): void {
    const rows = this.rows(change.view) as Map<string, StoredColumns>;
    const columns = Object.entries(change.view.columns);
    for (const row of change.view.rowsOf?.(change) ?? [change]) {
      const written = Object.fromEntries(columns.map(([name, { value }]) => [name, value(row)]));
      const keys = columns.filter(([, column]) => column.written === 'key').map(([name]) => written[name]);
      const key = keys.join('\0');
      const known = rows.get(key);
      if (!known) {
        rows.set(key, { ...written, shard: change.shard, version: change.version });
        continue;
      }
      const replaced = columns.filter(([, column]) => column.written === 'always').map(([name]) => name);
      const changed = Object.fromEntries(replaced.map((name) => [name, written[name]!]));
      rows.set(key, { ...known, ...changed, version: change.version });
    }
  }
}
