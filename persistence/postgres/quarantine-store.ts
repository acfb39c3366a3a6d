/**
 * Entities set apart, as a table that people and tools look into: they can't be read, or something of them can't be
 * written. Their owner writes it; the truth is that reading or writing them fails.
 */
import type pg from 'pg';

export interface Quarantined {
  readonly entityId: string;
  readonly shard: number;
  readonly reason: string;
  /** Epoch ms. */
  readonly since: number;
  /** Epoch ms: when its owner tried last to read it. */
  readonly triedAt: number;
}

const REASON_CHARS_MAX = 1_000;

/** Told in this channel: the entity with this id is to be read again. */
export const RETRY_CHANNEL = 'holdfast_quarantine_retry';

export class PostgresQuarantineStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async add({ entityId, shard, reason }: Omit<Quarantined, 'since' | 'triedAt'>): Promise<void> {
    await this.#pool.query(
      `INSERT INTO quarantine (entity_id, shard, reason) VALUES ($1, $2, $3)
       ON CONFLICT (entity_id) DO UPDATE SET reason = excluded.reason, shard = excluded.shard, tried_at = clock_timestamp()`,
      [entityId, shard, shownReason(reason)],
    );
  }

  async remove(entityId: string): Promise<void> {
    await this.#pool.query('DELETE FROM quarantine WHERE entity_id = $1', [entityId]);
  }

  /** Of these shards. */
  async ofShards(shards: readonly number[]): Promise<Quarantined[]> {
    return this.#select('WHERE shard = ANY($1::int[]) ORDER BY entity_id', [shards]);
  }

  async list(limit: number): Promise<Quarantined[]> {
    return this.#select('ORDER BY since, entity_id LIMIT $1', [limit]);
  }

  async find(entityId: string): Promise<Quarantined | undefined> {
    return (await this.#select('WHERE entity_id = $1', [entityId]))[0];
  }

  /** Asks the entity's owner, whichever node it lives in, to read it again. */
  async tellRetry(entityId: string): Promise<void> {
    await this.#pool.query('SELECT pg_notify($1, $2)', [RETRY_CHANNEL, entityId]);
  }

  async #select(which: string, values: unknown[]): Promise<Quarantined[]> {
    const { rows } = await this.#pool.query(
      `SELECT entity_id, shard, reason, since, tried_at FROM quarantine ${which}`,
      values,
    );
    return rows.map(quarantinedOf);
  }
}

/** A reason may quote what the database refuses: it must not be refused for the same. */
export function shownReason(reason: string): string {
  return reason.slice(0, REASON_CHARS_MAX).replaceAll('\0', '\ufffd');
}

function quarantinedOf(row: Record<string, unknown>): Quarantined {
  return {
    entityId: row['entity_id'] as string,
    shard: row['shard'] as number,
    reason: row['reason'] as string,
    since: row['since'] as number,
    triedAt: row['tried_at'] as number,
  };
}
