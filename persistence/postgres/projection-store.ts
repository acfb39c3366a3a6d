/**
 * The read models in PostgreSQL. A flush is one statement that commits by itself: `mine` locks the shards whose
 * checkpoint stands exactly where the flush began, in their order (two owners of the same shards never deadlock; one
 * that had to wait compares again), `moved` moves them, and every other write joins it.
 * A former owner that wakes up late finds its checkpoint moved and writes nothing.
 */
import type pg from 'pg';
import { messageOf } from '../../kernel/errors.ts';
import {
  FlushRefusedError,
  VIEWED_LINE_BYTES,
  VIEWED_ORDER_BYTES,
  type OrderListFilter,
  type OrderViewRow,
  type OrderViews,
  type ProjectionFlush,
  type ProjectionStore,
} from '../ports.ts';
import { int4Array, int8Array, boolArray, jsonArray, textArray } from './binary-arrays.ts';
import { Session } from './connection.ts';
import { encoded, faultOf } from './fault.ts';

/** A flush of thousands of entities takes a second at worst. */
const FLUSH_TIMEOUT_MS = 10_000;
/** Only another owner's unfinished flush of the same shard is waited for. */
const LOCK_TIMEOUT_MS = 2_000;

const FLUSH = `
  WITH mine AS (
    SELECT c.shard, move.to_seq
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS move(shard, from_seq, to_seq)
    JOIN projection_checkpoints c ON c.shard = move.shard AND c.seq = move.from_seq
    ORDER BY c.shard
    FOR UPDATE OF c
  ), moved AS (
    UPDATE projection_checkpoints c SET seq = mine.to_seq
    FROM mine
    WHERE c.shard = mine.shard
    RETURNING c.shard
  ), orders AS (
    INSERT INTO order_view (order_id, shard, first_seq, version, customer_id, status, settled, currency, total_amount,
                            line_count, units, external_reference, created_at, updated_at, state)
    SELECT o.order_id::uuid, o.shard, o.first_seq, o.version, o.customer_id, o.status, o.settled, o.currency, o.total_amount,
           o.line_count, o.units, o.external_reference, to_timestamp(o.created_at::float8 / 1000), to_timestamp(o.updated_at::float8 / 1000), o.state
    FROM unnest($4::text[], $5::int[], $6::bigint[], $7::int[], $8::text[], $9::text[], $10::bool[], $11::text[], $12::bigint[],
                $13::int[], $14::bigint[], $15::text[], $16::bigint[], $17::bigint[], $18::json[])
         AS o(order_id, shard, first_seq, version, customer_id, status, settled, currency, total_amount,
              line_count, units, external_reference, created_at, updated_at, state)
    JOIN moved USING (shard)
    ON CONFLICT (order_id) DO UPDATE
    SET version = excluded.version, status = excluded.status, settled = excluded.settled,
        updated_at = excluded.updated_at, state = excluded.state
  ), stocks AS (
    INSERT INTO stock_view (product_id, warehouse_id, shard, version, on_hand, held, low_stock_threshold, updated_at)
    SELECT s.product_id, s.warehouse_id, s.shard, s.version, s.on_hand, s.held, s.low_stock_threshold, to_timestamp(s.at::float8 / 1000)
    FROM unnest($19::text[], $20::text[], $21::int[], $22::int[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[])
         AS s(product_id, warehouse_id, shard, version, on_hand, held, low_stock_threshold, at)
    JOIN moved USING (shard)
    ON CONFLICT (product_id, warehouse_id) DO UPDATE
    SET version = excluded.version, on_hand = excluded.on_hand, held = excluded.held,
        low_stock_threshold = excluded.low_stock_threshold, updated_at = excluded.updated_at
  ), waiting AS (
    INSERT INTO wake_ups (entity_id, shard, wake_at)
    SELECT w.entity_id, w.shard, to_timestamp(w.wake_at::float8 / 1000)
    FROM unnest($27::text[], $28::int[], $29::bigint[]) AS w(entity_id, shard, wake_at)
    JOIN moved USING (shard)
    ON CONFLICT (entity_id) DO UPDATE SET wake_at = excluded.wake_at
  ), settled AS (
    DELETE FROM wake_ups w
    USING unnest($30::text[], $31::int[]) AS s(entity_id, shard), moved
    WHERE w.entity_id = s.entity_id AND s.shard = moved.shard
  )
  SELECT shard FROM moved`;

const LIST_COLUMNS = 'state, version, shard, first_seq';

export class PostgresProjectionStore implements ProjectionStore, OrderViews {
  readonly #flushes: Session;
  readonly #reads: pg.Pool;
  readonly #lists: pg.Pool;

  /** @param lists for the lists of orders: what they cost must not hold up the reads of those who own shards. */
  constructor(url: string, purpose: string, reads: pg.Pool, lists: pg.Pool = reads) {
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
      const values = encoded(() => flushValues(flush));
      const result = await this.#flushes.query({ name: 'flush', text: FLUSH, values });
      return new Set(result.rows.map((row) => row['shard'] as number));
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== 'values' && fault !== 'statement') throw error;
      throw new FlushRefusedError(messageOf(error), { cause: error });
    }
  }

  async list(filter: OrderListFilter): Promise<OrderViewRow[]> {
    const { text, values } = listQuery(filter);
    const result = await this.#lists.query<{ state: string; version: number; shard: number; first_seq: number }>({
      text,
      values,
    });
    return result.rows.map(({ state, version, shard, first_seq }) => ({
      state: JSON.parse(state) as OrderViewRow['state'],
      version,
      origin: { shard, seq: first_seq },
    }));
  }

  async close(): Promise<void> {
    await this.#flushes.close();
  }
}

/** In the order of the statement's parameters. */
function flushValues({ moves, orders, stocks, wakeUps, settled }: ProjectionFlush): Buffer[] {
  const levels = stocks.flatMap((stock) => stock.level.warehouses.map((warehouse) => ({ stock, warehouse })));
  return [
    int4Array(moves.map(({ shard }) => shard)),
    int8Array(moves.map(({ from }) => from)),
    int8Array(moves.map(({ to }) => to)),
    textArray(orders.map(({ state }) => state.orderId)),
    int4Array(orders.map(({ origin }) => origin.shard)),
    int8Array(orders.map(({ origin }) => origin.seq)),
    int4Array(orders.map(({ version }) => version)),
    textArray(orders.map(({ state }) => state.terms.customerId)),
    textArray(orders.map(({ state }) => state.status)),
    boolArray(orders.map((order) => order.settled)),
    textArray(orders.map(({ state }) => state.terms.currency)),
    int8Array(orders.map(({ state }) => state.total)),
    int4Array(orders.map(({ state }) => state.terms.lines.length)),
    int8Array(orders.map(({ state }) => state.terms.lines.reduce((units, line) => units + line.quantity, 0))),
    textArray(orders.map(({ state }) => state.terms.externalReference ?? null)),
    int8Array(orders.map(({ state }) => state.createdAt)),
    int8Array(orders.map(({ state }) => state.updatedAt)),
    jsonArray(orders.map(({ state }) => JSON.stringify(state))),
    textArray(levels.map(({ stock }) => stock.level.productId)),
    textArray(levels.map(({ warehouse }) => warehouse.warehouseId)),
    int4Array(levels.map(({ stock }) => stock.shard)),
    int4Array(levels.map(({ stock }) => stock.version)),
    int8Array(levels.map(({ warehouse }) => warehouse.onHand)),
    int8Array(levels.map(({ warehouse }) => warehouse.held)),
    int8Array(levels.map(({ stock }) => stock.level.lowStockThreshold ?? null)),
    int8Array(levels.map(({ stock }) => stock.at)),
    textArray(wakeUps.map(({ entityId }) => entityId)),
    int4Array(wakeUps.map(({ shard }) => shard)),
    int8Array(wakeUps.map(({ wakeAt }) => wakeAt)),
    textArray(settled.map(({ entityId }) => entityId)),
    int4Array(settled.map(({ shard }) => shard)),
  ];
}

/** Only fixed text and placeholders go into the statement; every value is a parameter. */
function listQuery(filter: OrderListFilter): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const conditions: string[] = [];
  if (filter.status !== undefined) conditions.push(`status = ${parameter(filter.status)}`);
  if (filter.customerId !== undefined) conditions.push(`customer_id = ${parameter(filter.customerId)}`);
  if (filter.from !== undefined)
    conditions.push(`created_at >= to_timestamp(${parameter(filter.from)}::float8 / 1000)`);
  if (filter.to !== undefined) conditions.push(`created_at < to_timestamp(${parameter(filter.to)}::float8 / 1000)`);
  if (filter.after !== undefined) {
    const createdAt = `to_timestamp(${parameter(filter.after.createdAt)}::float8 / 1000)`;
    conditions.push(`(created_at, order_id) < (${createdAt}, ${parameter(filter.after.orderId)}::uuid)`);
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const order = 'ORDER BY created_at DESC, order_id DESC';
  const page = `SELECT ${LIST_COLUMNS} FROM order_view ${where} ${order} LIMIT ${parameter(filter.limit)}`;
  if (filter.bytesMax === undefined) return { text: page, values };
  // By their number of lines: the states themselves are stored out of line, and read for what is returned only.
  const size = `sum(${VIEWED_ORDER_BYTES} + ${VIEWED_LINE_BYTES} * line_count::int8)`;
  const before = `coalesce(${size} OVER (${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING), 0)`;
  return {
    text: `
      SELECT v.state, v.version, v.shard, v.first_seq
      FROM (
        SELECT page.*, ${before} AS bytes_before
        FROM (SELECT order_id, created_at, line_count FROM order_view ${where} ${order} LIMIT $${values.length}) AS page
      ) AS sized
      JOIN order_view v USING (order_id)
      WHERE sized.bytes_before < ${parameter(filter.bytesMax)}
      ORDER BY v.created_at DESC, v.order_id DESC`,
    values,
  };
}
