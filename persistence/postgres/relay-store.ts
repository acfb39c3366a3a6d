/** How far events are published, and which entities are held back, in PostgreSQL. */
import type pg from 'pg';
import type { HeldEntity, Incarnation, RelayStore } from '../ports.ts';
import { readDeployment, readIncarnations, type Deployment } from './incarnations.ts';
import { shownReason } from './quarantine-store.ts';

const SAVE = `
  INSERT INTO relay_checkpoints (shard, seq) SELECT * FROM unnest($1::int[], $2::bigint[]) ORDER BY 1
  ON CONFLICT (shard) DO UPDATE SET seq = excluded.seq WHERE relay_checkpoints.seq < excluded.seq`;

/** The head of each shard's log, by its primary key. */
const PROGRESS = `
  SELECT l.shard, coalesce(c.seq, 0) AS published, coalesce(h.seq, 0) AS head
  FROM shard_leases l
  LEFT JOIN relay_checkpoints c USING (shard)
  LEFT JOIN LATERAL (SELECT seq FROM journal j WHERE j.shard = l.shard ORDER BY seq DESC LIMIT 1) h ON true`;

const HELD_SHOWN_MAX = 1_000;

/** For people: see `npm run relay`. */
export interface RelayProgress {
  readonly shards: number;
  /** Shards with rows that wait. */
  readonly behind: number;
  readonly waitingRows: number;
  readonly held: readonly HeldEntity[];
}

export class PostgresRelayStore implements RelayStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  incarnations(): Promise<readonly Incarnation[]> {
    return readIncarnations(this.#pool);
  }

  deployment(): Promise<Deployment> {
    return readDeployment(this.#pool);
  }

  async checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    const { rows } = await this.#pool.query<{ shard: number; seq: number }>(
      'SELECT shard, seq FROM relay_checkpoints WHERE shard = ANY($1::int[])',
      [shards],
    );
    const stored = new Map(rows.map(({ shard, seq }) => [shard, Number(seq)]));
    return new Map(shards.map((shard) => [shard, stored.get(shard) ?? 0]));
  }

  async saveCheckpoints(checkpoints: ReadonlyMap<number, number>): Promise<void> {
    await this.#pool.query(SAVE, [[...checkpoints.keys()], [...checkpoints.values()]]);
  }

  async held(shards: readonly number[]): Promise<readonly Omit<HeldEntity, 'reason'>[]> {
    const { rows } = await this.#pool.query<{ entity_id: string; shard: number; seq: number }>(
      'SELECT entity_id, shard, seq FROM relay_held WHERE shard = ANY($1::int[]) ORDER BY entity_id',
      [shards],
    );
    return rows.map(({ entity_id, shard, seq }) => ({ entityId: entity_id, shard, seq: Number(seq) }));
  }

  async hold({ entityId, shard, seq, reason }: HeldEntity): Promise<void> {
    await this.#pool.query(
      `INSERT INTO relay_held (entity_id, shard, seq, reason) VALUES ($1, $2, $3, $4)
       ON CONFLICT (entity_id) DO UPDATE SET reason = excluded.reason`,
      [entityId, shard, seq, shownReason(reason)],
    );
  }

  async release(entityId: string): Promise<void> {
    await this.#pool.query('DELETE FROM relay_held WHERE entity_id = $1', [entityId]);
  }

  async progress(): Promise<RelayProgress> {
    const waiting = (await this.#shards()).map(({ published, head }) => Number(head) - Number(published));
    const { rows } = await this.#pool.query<{ entity_id: string; shard: number; seq: number; reason: string }>(
      'SELECT entity_id, shard, seq, reason FROM relay_held ORDER BY since LIMIT $1',
      [HELD_SHOWN_MAX],
    );
    return {
      shards: waiting.length,
      behind: waiting.filter((count) => count > 0).length,
      waitingRows: waiting.reduce((sum, count) => sum + count, 0),
      held: rows.map(({ entity_id, shard, seq, reason }) => ({ entityId: entity_id, shard, seq: Number(seq), reason })),
    };
  }

  /** Of the journal. */
  async size(): Promise<{ readonly shards: number; readonly rows: number }> {
    const shards = await this.#shards();
    return { shards: shards.length, rows: shards.reduce((sum, { head }) => sum + Number(head), 0) };
  }

  async #shards(): Promise<{ published: number; head: number }[]> {
    return (await this.#pool.query<{ published: number; head: number }>(PROGRESS)).rows;
  }
}
