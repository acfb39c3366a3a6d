/**
 * The journal in memory, for tests of what lies above it. It keeps the same promises as the one in PostgreSQL, which
 * the contract suite in test/contract holds it to; several stores over one `InMemoryLog` are several owners.
 */
import type { EpochMs } from '../../kernel/clock.ts';
import {
  AppendError,
  type EntityHistories,
  type JournalRow,
  type JournalStore,
  type NewRow,
  type ShardHead,
  type Snapshot,
  type StoredEntity,
} from '../ports.ts';

/** About what an index row of PostgreSQL holds. */
const ENTITY_ID_BYTES_MAX = 2_600;

export class InMemoryLog {
  readonly shards = new Map<number, JournalRow[]>();
  readonly entities = new Map<string, JournalRow[]>();
  readonly snapshots = new Map<string, Snapshot>();

  shard(shard: number): JournalRow[] {
    let rows = this.shards.get(shard);
    if (!rows) this.shards.set(shard, (rows = []));
    return rows;
  }

  put(row: JournalRow): void {
    this.shard(row.shard).push(row);
    const rows = this.entities.get(row.entityId);
    if (rows) rows.push(row);
    else this.entities.set(row.entityId, [row]);
  }
}

export class InMemoryJournalStore implements JournalStore, EntityHistories {
  readonly #log: InMemoryLog;

  constructor(log: InMemoryLog = new InMemoryLog()) {
    this.#log = log;
  }

  takeShards(shards: readonly number[], at: EpochMs): Promise<Map<number, ShardHead>> {
    const heads = new Map<number, ShardHead>();
    for (const shard of shards) {
      const last = this.#log.shard(shard).at(-1);
      const entityId = `shd_${shard}`;
      const epoch = (last?.epoch ?? 0) + 1;
      const version = (this.#log.entities.get(entityId)?.length ?? 0) + 1;
      const events = JSON.stringify([{ type: 'EpochStarted', epoch }]);
      const seq = (last?.seq ?? 0) + 1;
      this.#log.put({ shard, seq, epoch, entityId, version, commandId: 'take', wakeAt: null, events, meta: null, at });
      heads.set(shard, { seq, epoch });
    }
    return Promise.resolve(heads);
  }

  append(rows: readonly NewRow[]): Promise<ReadonlySet<number>> {
    for (const row of rows) {
      const sqlState = refusalOf(row);
      if (sqlState) return Promise.reject(new AppendError({ kind: 'refused', sqlState }, `${row.entityId} is refused`));
    }
    const entityIds = rows
      .filter((row) => row.onlyIfNew && this.#log.entities.has(row.entityId))
      .map((row) => row.entityId);
    if (entityIds.length > 0) {
      return Promise.reject(new AppendError({ kind: 'exists', entityIds }, `${entityIds.join(', ')} has rows`));
    }
    const written = new Set<number>();
    const heads = new Map<number, JournalRow>();
    for (const row of rows) if (!heads.has(row.shard)) heads.set(row.shard, row);
    for (const [shard, first] of heads) {
      const before = this.#log.shard(shard)[first.seq - 2];
      if (before?.epoch === first.epoch) written.add(shard);
    }
    for (const shard of written) {
      if (this.#log.shard(shard).length >= heads.get(shard)!.seq) {
        return Promise.reject(new AppendError({ kind: 'conflict', shard }, `shard ${shard} has another owner`));
      }
    }
    for (const row of rows) {
      const versions = this.#log.entities.get(row.entityId)?.length ?? 0;
      if (written.has(row.shard) && versions >= row.version) {
        const message = `${row.entityId} has version ${row.version} already`;
        return Promise.reject(new AppendError({ kind: 'conflict', shard: row.shard }, message));
      }
    }
    for (const { onlyIfNew: _, ...row } of rows) if (written.has(row.shard)) this.#log.put(row);
    return Promise.resolve(written);
  }

  readEntities(entityIds: readonly string[], withSnapshots: boolean): Promise<Map<string, StoredEntity>> {
    const found = new Map<string, StoredEntity>();
    for (const entityId of entityIds) {
      const rows = this.#log.entities.get(entityId);
      if (!rows) continue;
      const stored = withSnapshots ? this.#log.snapshots.get(entityId) : undefined;
      if (stored && stored.version <= rows.length) {
        const { version, schema, state } = stored;
        const snapshot = { version, schema, state: JSON.parse(state) as unknown, at: rows[version - 1]!.at };
        found.set(entityId, { snapshot, rows: rows.slice(stored.version) });
      } else {
        found.set(entityId, { rows: [...rows] });
      }
    }
    return Promise.resolve(found);
  }

  readShard(shard: number, afterSeq: number, limit: number): Promise<JournalRow[]> {
    return Promise.resolve(this.#log.shard(shard).slice(afterSeq, afterSeq + limit));
  }

  readHistory(entityId: string, fromVersion: number, limit: number): Promise<JournalRow[]> {
    const rows = this.#log.entities.get(entityId) ?? [];
    const wanted = rows.filter(({ version, events }) => version >= fromVersion && events !== '[]');
    return Promise.resolve(wanted.slice(0, limit));
  }

  saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    for (const snapshot of snapshots) {
      const known = this.#log.snapshots.get(snapshot.entityId);
      if (!known || known.version < snapshot.version || known.schema !== snapshot.schema) {
        this.#log.snapshots.set(snapshot.entityId, snapshot);
      }
    }
    return Promise.resolve();
  }
}

/** The SQLSTATE with which PostgreSQL refuses such a row; undefined for a good one. */
function refusalOf({ entityId, commandId, events }: JournalRow): string | undefined {
  if (entityId.includes('\0') || commandId.includes('\0')) return '22021';
  if (Buffer.byteLength(entityId) > ENTITY_ID_BYTES_MAX) return '54000';
  try {
    JSON.parse(events);
    return undefined;
  } catch {
    return '22P02';
  }
}
