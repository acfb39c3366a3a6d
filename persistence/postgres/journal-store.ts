/**
 * The journal in PostgreSQL: the fenced append, taking shards, and reading.
 *
 * Why an append is safe against an older or a newer owner, without a lock: every row but a shard's first is written
 * only where the row before it carries the writer's epoch (`ok`, read in the statement's snapshot), and (shard, seq) is
 * the primary key. A newer owner's epoch row lies at the very (shard, seq) that the older owner's next row needs:
 * whenever it was committed, our insert meets its key and fails whole. `ok` misses the shard of a writer whose own last
 * row is not in the log at all. Never ON CONFLICT: it works row by row, and would leave the tail of a stale batch
 * behind the new owner's row.
 *
 * Rows come sorted by (shard, seq) and are inserted as they come, so that two owners of the same shards meet in one
 * order and can't deadlock: they stream from the arrays through a filter, and nothing joins, stores or sorts them. (A
 * join and an ORDER BY, which promise no more, took an eighth of an append's CPU.)
 */
import type pg from 'pg';
import { invariant } from '../../kernel/invariant.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import {
  AppendError,
  type AppendFailure,
  type EntityHistories,
  type JournalRow,
  type JournalStore,
  type NewRow,
  type ShardHead,
  type Snapshot,
  type StoredEntity,
} from '../ports.ts';
import { int4Array, int8Array, jsonArray, textArray } from './binary-arrays.ts';
import { Session, sqlStateOf } from './connection.ts';
import { encoded, faultOf } from './fault.ts';

/** An append takes milliseconds. One without an answer has an unknown outcome, and its shards are taken anew. */
const APPEND_TIMEOUT_MS = 5_000;
/** Only another owner's unfinished statement on the same shard is waited for. */
const LOCK_TIMEOUT_MS = 1_000;

const APPEND = `
  WITH ok AS MATERIALIZED (
    SELECT head.shard
    FROM unnest($1::int[], $2::bigint[], $3::int[]) AS head(shard, seq, epoch),
         LATERAL (SELECT 1 FROM journal j
                  WHERE j.shard = head.shard AND j.seq = head.seq AND j.epoch = head.epoch
                  OFFSET 0) AS probe -- keeps it a probe of the key per head: it is not made into a join
  ), existing AS MATERIALIZED (
    SELECT new.entity_id
    FROM unnest($14::text[]) AS new(entity_id),
         LATERAL (SELECT 1 FROM journal j WHERE j.entity_id = new.entity_id AND j.version = 1 OFFSET 0) AS probe
  ), written AS (
    INSERT INTO journal (shard, seq, epoch, version, at, wake_at, entity_id, command_id, events, meta)
    SELECT r.shard, r.seq, r.epoch, r.version, to_timestamp(r.at::float8 / 1000), to_timestamp(r.wake_at::float8 / 1000),
           r.entity_id, r.command_id, r.events, r.meta
    FROM (SELECT unnest($4::int[]), unnest($5::bigint[]), unnest($6::int[]), unnest($7::int[]), unnest($8::bigint[]),
                 unnest($9::bigint[]), unnest($10::text[]), unnest($11::text[]), unnest($12::json[]), unnest($13::json[]))
         AS r(shard, seq, epoch, version, at, wake_at, entity_id, command_id, events, meta)
    WHERE r.shard = ANY (ARRAY(SELECT shard FROM ok)) AND NOT EXISTS (SELECT 1 FROM existing)
  )
  SELECT (SELECT string_agg(shard::text, ',') FROM ok) AS shards, (SELECT json_agg(entity_id) FROM existing) AS existing`;

/**
 * Epoch rows only, each of the current incarnation: the place after the last row must still be free, else another
 * writer was faster.
 */
const TAKE = `
  INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
  SELECT s.shard, coalesce(head.seq, 0) + 1, next.epoch, coalesce(mark.version, 0) + 1,
         to_timestamp($2::float8 / 1000), 'shd_' || s.shard, 'take',
         json_build_array(json_build_object('type', 'EpochStarted', 'epoch', next.epoch))
  FROM unnest($1::int[]) AS s(shard)
  LEFT JOIN LATERAL (SELECT seq, epoch FROM journal j WHERE j.shard = s.shard ORDER BY j.seq DESC LIMIT 1) AS head ON true
  LEFT JOIN LATERAL (SELECT version FROM journal j WHERE j.entity_id = 'shd_' || s.shard ORDER BY j.version DESC LIMIT 1) AS mark ON true
  CROSS JOIN LATERAL (SELECT greatest(coalesce(head.epoch, 0) + 1, (SELECT max(first_epoch) FROM incarnations)) AS epoch) AS next
  ORDER BY s.shard
  RETURNING shard, seq, epoch`;

const ROW_COLUMNS = 'j.shard, j.seq, j.epoch, j.version, j.at, j.wake_at, j.entity_id, j.command_id, j.events, j.meta';

const READ_ENTITIES = `
  SELECT ${ROW_COLUMNS}
  FROM unnest($1::text[]) AS wanted(entity_id), LATERAL (
    SELECT * FROM journal j WHERE j.entity_id = wanted.entity_id ORDER BY j.version) AS j`;

/** The snapshot's own row is read too: a snapshot ahead of its log is ignored. */
const READ_ENTITIES_WITH_SNAPSHOTS = `
  SELECT ${ROW_COLUMNS}, wanted.entity_id AS wanted_id, s.version AS snapshot_version, s.schema AS snapshot_schema,
         CASE WHEN j.version = s.version THEN s.state END AS snapshot_state
  FROM unnest($1::text[]) AS wanted(entity_id)
  LEFT JOIN snapshots s USING (entity_id), LATERAL (
    SELECT * FROM journal j
    WHERE j.entity_id = wanted.entity_id
      AND j.version >= CASE WHEN EXISTS (SELECT 1 FROM journal own WHERE own.entity_id = s.entity_id AND own.version = s.version)
                            THEN s.version ELSE 0 END
    ORDER BY j.version) AS j`;

const READ_SHARD = `SELECT ${ROW_COLUMNS} FROM journal j WHERE j.shard = $1 AND j.seq > $2 ORDER BY j.seq LIMIT $3`;

/** Rows without events only bind a command id. */
const READ_HISTORY = `
  SELECT ${ROW_COLUMNS} FROM journal j
  WHERE j.entity_id = $1 AND j.version >= $2 AND j.events::text <> '[]'
  ORDER BY j.version LIMIT $3`;

const SAVE_SNAPSHOTS = `
  INSERT INTO snapshots (entity_id, shard, version, schema, state, at)
  SELECT entity_id, shard, version, schema, state, to_timestamp(at::float8 / 1000)
  FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::json[], $6::bigint[]) AS s(entity_id, shard, version, schema, state, at)
  ON CONFLICT (entity_id) DO UPDATE
  SET shard = excluded.shard, version = excluded.version, schema = excluded.schema, state = excluded.state, at = excluded.at
  WHERE snapshots.version < excluded.version OR snapshots.schema <> excluded.schema`;

interface RawRow {
  readonly shard: number;
  readonly seq: number;
  readonly epoch: number;
  readonly version: number;
  readonly at: number;
  readonly wake_at: number | null;
  readonly entity_id: string;
  readonly command_id: string;
  readonly events: string;
  readonly meta: string | null;
}

export class PostgresJournalStore implements JournalStore, EntityHistories {
  readonly #appends: Session;
  readonly #reads: pg.Pool;

  /** `purpose` names the worker in pg_stat_activity; `reads` is shared with other readers and closed by its owner. */
  constructor(url: string, purpose: string, reads: pg.Pool) {
    this.#appends = new Session(url, `${purpose}/journal`, {
      queryTimeoutMs: APPEND_TIMEOUT_MS,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    this.#reads = reads;
  }

  async takeShards(shards: readonly number[], at: EpochMs): Promise<Map<number, ShardHead>> {
    const values = [int4Array([...shards].sort((a, b) => a - b)), at];
    const result = await this.#append(() => ({ text: TAKE, values }));
    const heads = new Map<number, ShardHead>();
    for (const row of result.rows as { shard: number; seq: number; epoch: number }[]) {
      heads.set(row.shard, { seq: row.seq, epoch: row.epoch });
    }
    return heads;
  }

  async append(rows: readonly NewRow[]): Promise<ReadonlySet<number>> {
    const heads = headsOf(rows);
    const result = await this.#append(() => ({ name: 'append', text: APPEND, values: appendValues(heads, rows) }));
    const { shards, existing } = result.rows[0] as { shards: string | null; existing: string | null };
    if (existing !== null) {
      const entityIds = JSON.parse(existing) as string[];
      throw new AppendError({ kind: 'exists', entityIds }, `${entityIds.join(', ')} should have no rows yet`);
    }
    return new Set(shards?.split(',').map(Number));
  }

  async readEntities(entityIds: readonly string[], withSnapshots: boolean): Promise<Map<string, StoredEntity>> {
    const found = new Map<string, { snapshot?: NonNullable<StoredEntity['snapshot']>; rows: JournalRow[] }>();
    const query = withSnapshots
      ? { name: 'read-with-snapshots', text: READ_ENTITIES_WITH_SNAPSHOTS }
      : { name: 'read', text: READ_ENTITIES };
    const result = await this.#reads.query({ ...query, values: [textArray([...new Set(entityIds)])] });
    type Found = RawRow & {
      snapshot_version?: number | null;
      snapshot_schema?: number;
      snapshot_state?: string | null;
    };
    for (const raw of result.rows as Found[]) {
      let entity = found.get(raw.entity_id);
      if (!entity) found.set(raw.entity_id, (entity = { rows: [] }));
      if (typeof raw.snapshot_state === 'string') {
        entity.snapshot = {
          version: raw.snapshot_version!,
          schema: raw.snapshot_schema!,
          state: JSON.parse(raw.snapshot_state),
          at: raw.at,
        };
      } else {
        entity.rows.push(rowOf(raw));
      }
    }
    return found;
  }

  async readShard(shard: number, afterSeq: number, limit: number): Promise<JournalRow[]> {
    const result = await this.#reads.query({ name: 'read-shard', text: READ_SHARD, values: [shard, afterSeq, limit] });
    return (result.rows as RawRow[]).map(rowOf);
  }

  async readHistory(entityId: string, fromVersion: number, limit: number): Promise<JournalRow[]> {
    const query = { name: 'read-history', text: READ_HISTORY, values: [entityId, fromVersion, limit] };
    const result = await this.#reads.query(query);
    return (result.rows as RawRow[]).map(rowOf);
  }

  async saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    await this.#reads.query({
      name: 'save-snapshots',
      text: SAVE_SNAPSHOTS,
      values: [
        textArray(snapshots.map((each) => each.entityId)),
        int4Array(snapshots.map((each) => each.shard)),
        int4Array(snapshots.map((each) => each.version)),
        int4Array(snapshots.map((each) => each.schema)),
        jsonArray(snapshots.map((each) => each.state)),
        int8Array(snapshots.map((each) => each.at)),
      ],
    });
  }

  async close(): Promise<void> {
    await this.#appends.close();
  }

  async #append(query: () => pg.QueryConfig): Promise<pg.QueryResult<Record<string, unknown>>> {
    try {
      return await this.#appends.query(encoded(query));
    } catch (error) {
      throw new AppendError(failureOf(error), messageOf(error), { cause: error });
    }
  }
}

/** In the order of the statement's parameters. */
function appendValues(heads: readonly JournalRow[], rows: readonly NewRow[]): Buffer[] {
  return [
    int4Array(heads.map((row) => row.shard)),
    int8Array(heads.map((row) => row.seq - 1)),
    int4Array(heads.map((row) => row.epoch)),
    int4Array(rows.map((row) => row.shard)),
    int8Array(rows.map((row) => row.seq)),
    int4Array(rows.map((row) => row.epoch)),
    int4Array(rows.map((row) => row.version)),
    int8Array(rows.map((row) => row.at)),
    int8Array(rows.map((row) => row.wakeAt)),
    textArray(rows.map((row) => row.entityId)),
    textArray(rows.map((row) => row.commandId)),
    jsonArray(rows.map((row) => row.events)),
    jsonArray(rows.map((row) => (row.meta === null ? null : JSON.stringify(row.meta)))),
    textArray(rows.filter((row) => row.onlyIfNew).map((row) => row.entityId)),
  ];
}

/** The first row of each shard. */
function headsOf(rows: readonly JournalRow[]): JournalRow[] {
  const heads: JournalRow[] = [];
  let last: JournalRow | undefined;
  for (const row of rows) {
    if (last?.shard !== row.shard) heads.push(row);
    else invariant(row.seq === last.seq + 1 && row.epoch === last.epoch, 'a batch is dense within each shard');
    last = row;
  }
  return heads;
}

function rowOf(raw: RawRow): JournalRow {
  return {
    shard: raw.shard,
    seq: raw.seq,
    epoch: raw.epoch,
    entityId: raw.entity_id,
    version: raw.version,
    commandId: raw.command_id,
    wakeAt: raw.wake_at,
    events: raw.events,
    meta: raw.meta === null ? null : (JSON.parse(raw.meta) as JournalRow['meta']),
    at: raw.at,
  };
}

const UNIQUE_VIOLATION = '23505';
/** What the store says of a row that never reached the server. */
const NOT_SENT = 'not sent';

/** What isn't known to have left the journal untouched counts as unknown. */
function failureOf(error: unknown): AppendFailure {
  const sqlState = sqlStateOf(error) ?? NOT_SENT;
  if (sqlState === UNIQUE_VIOLATION) {
    const shard = shardNamedIn((error as pg.DatabaseError).detail);
    return shard === undefined ? { kind: 'unknown' } : { kind: 'conflict', shard };
  }
  switch (faultOf(error)) {
    case 'values':
      return { kind: 'refused', sqlState };
    case 'contention':
      return { kind: 'transient', sqlState };
    default:
      return { kind: 'unknown' };
  }
}

/** `Key (shard, seq)=(3, 17) already exists.` or `Key (entity_id, version, shard)=(ord_1, 2, 3) already exists.` */
function shardNamedIn(detail: string | undefined): number | undefined {
  const byPlace = /^Key \(shard, seq\)=\((\d+), \d+\)/.exec(detail ?? '');
  const byEntity = /^Key \(entity_id, version, shard\)=\([^]*, \d+, (\d+)\) already exists/.exec(detail ?? '');
  const shard = byPlace?.[1] ?? byEntity?.[1];
  return shard === undefined ? undefined : Number(shard);
}
