/**
 * The read models in PostgreSQL. A flush is one statement that commits by itself (flush-statement.ts). A former owner
 * that wakes up late finds its checkpoint moved and writes nothing.
 */
import type pg from 'pg';
import { messageOf } from '../../kernel/errors.ts';
import { FlushRefusedError, type ProjectionFlush, type ProjectionStore } from '../ports.ts';
import type { ViewDefinition, ViewList, ViewReads } from '../view-definition.ts';
import { int4Array } from './binary-arrays.ts';
import { Session } from './connection.ts';
import { encoded, faultOf } from './fault.ts';
import { composeFlush, type FlushStatement } from './flush-statement.ts';

/** A flush of thousands of entities takes a second at worst. */
const FLUSH_TIMEOUT_MS = 10_000;
/** Only another owner's unfinished flush of the same shard is waited for. */
const LOCK_TIMEOUT_MS = 2_000;

export class PostgresProjectionStore implements ProjectionStore, ViewReads {
  readonly #flush: FlushStatement;
  readonly #flushes: Session;
  readonly #reads: pg.Pool;
  readonly #lists: pg.Pool;

  /** @param lists for reads of the views: what they cost must not hold up the reads of those who own shards. */
  constructor(url: string, purpose: string, views: readonly ViewDefinition[], reads: pg.Pool, lists: pg.Pool = reads) {
    this.#flush = composeFlush(views);
    this.#flushes = new Session(url, `${purpose}/projections`, {
      queryTimeoutMs: FLUSH_TIMEOUT_MS,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    this.#reads = reads;
    this.#lists = lists;
  }

  async checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    // A shard that never had a checkpoint gets one at 0; a second owner doing the same changes nothing.
    await this.#reads.query({
      text: 'INSERT INTO projection_checkpoints (shard, seq) SELECT shard, 0 FROM unnest($1::int[]) AS s(shard) ON CONFLICT (shard) DO NOTHING',
      values: [int4Array(shards)],
    });
    const result = await this.#reads.query<{ shard: number; seq: number }>({
      text: 'SELECT shard, seq FROM projection_checkpoints WHERE shard = ANY ($1::int[])',
      values: [int4Array(shards)],
    });
    return new Map(result.rows.map(({ shard, seq }) => [shard, seq]));
  }

  async wakeUps(shards: readonly number[]): Promise<{ shard: number; entityId: string; wakeAt: number }[]> {
    const result = await this.#reads.query<{ shard: number; entity_id: string; wake_at: number }>({
      text: 'SELECT shard, entity_id, wake_at FROM wake_ups WHERE shard = ANY ($1::int[])',
      values: [int4Array(shards)],
    });
    return result.rows.map((row) => ({ shard: row.shard, entityId: row.entity_id, wakeAt: row.wake_at }));
  }

  async flush(flush: ProjectionFlush): Promise<ReadonlySet<number>> {
    try {
      const values = encoded(() => this.#flush.values(flush));
      const result = await this.#flushes.query({ name: 'flush', text: this.#flush.text, values });
      return new Set(result.rows.map((row) => row['shard'] as number));
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== 'values' && fault !== 'statement') throw error;
      throw new FlushRefusedError(messageOf(error), { cause: error });
    }
  }

  async list<Filter, Row>({ query, row }: ViewList<Filter, Row>, filter: Filter): Promise<Row[]> {
    const result = await this.#lists.query<Record<string, unknown>>(query(filter));
    return result.rows.map(row);
  }

  async close(): Promise<void> {
    await this.#flushes.close();
  }
}
