/**
 * Reads, for `replay`, what the database says of given orders and products: the order view, the orders' first journal
 * rows, the stock view. In batches that the caller chooses, each a few index lookups; never writes.
 *
 * LATERAL with LIMIT 1 keeps a lookup a lookup: on young tables, or with old statistics, the planner would read the
 * whole table for each batch.
 */
import pg from 'pg';
import { messageOf, StartupError } from '../../kernel/errors.ts';
import { int4Array, textArray } from './binary-arrays.ts';
import { connectionConfig } from './connection.ts';

/** A batch of lookups is quick, but the server may be busy with the orders that are still settling. */
const STATEMENT_TIMEOUT_MS = 120_000;
const REFERENCES_PER_PAGE = 5_000;

/** One order as two sources tell it; undefined where a source doesn't know it. */
export interface StoredOrder {
  readonly orderId: string;
  readonly view: StoredOrderView | undefined;
  /** JSON text of the events of the order's first journal row. */
  readonly created: string | undefined;
}

export interface StoredOrderView {
  readonly customerId: string;
  readonly status: string;
  readonly currency: string;
  readonly totalAmount: number;
  readonly lineCount: number;
  readonly units: number;
  readonly externalReference: string | null;
  /** JSON text. */
  readonly state: string;
}

export interface StoredStock {
  readonly productId: string;
  readonly onHand: number;
  readonly held: number;
}

export class ReconcileReader {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** @throws StartupError when the database can't be reached. */
  static async open(databaseUrl: string): Promise<ReconcileReader> {
    const client = new pg.Client({
      ...connectionConfig(databaseUrl, 'holdfast/replay'),
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
    });
    client.on('error', () => undefined); // the query that is under way, or the next one, fails by itself
    try {
      await client.connect();
    } catch (error) {
      throw new StartupError(
        `The database can't be reached for the reconciliation: ${messageOf(error) || 'no answer'}. Set DATABASE_URL as the node has it.`,
        { cause: error },
      );
    }
    return new ReconcileReader(client);
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  /** Which of these orders the order view doesn't show as settled. */
  async unsettled(orderIds: readonly string[]): Promise<string[]> {
    const rows = await this.#query<{ orderId: string }>(
      `SELECT wanted.order_id AS "orderId"
       FROM unnest($1::text[]) AS wanted(order_id)
       LEFT JOIN LATERAL (
         SELECT settled FROM order_view WHERE order_view.order_id = wanted.order_id::uuid LIMIT 1) AS v ON true
       WHERE v.settled IS NOT TRUE`,
      [textArray(orderIds)],
    );
    return rows.map(({ orderId }) => orderId);
  }

  /** The last seq of each shard's log, now. */
  async logEnds(): Promise<Map<number, number>> {
    const rows = await this.#query<{ shard: number; seq: number }>(
      `SELECT c.shard, head.seq FROM projection_checkpoints c,
       LATERAL (SELECT seq FROM journal j WHERE j.shard = c.shard ORDER BY j.seq DESC LIMIT 1) AS head`,
    );
    return new Map(rows.map(({ shard, seq }) => [shard, seq]));
  }

  /** How many rows the read models lack up to these places. */
  async rowsMissingInViews(ends: ReadonlyMap<number, number>): Promise<number> {
    const rows = await this.#query<{ shard: number; seq: number }>(
      'SELECT shard, seq FROM projection_checkpoints WHERE shard = ANY ($1::int[])',
      [int4Array([...ends.keys()])],
    );
    const checkpoints = new Map(rows.map(({ shard, seq }) => [shard, seq]));
    let missing = 0;
    for (const [shard, end] of ends) missing += Math.max(0, end - (checkpoints.get(shard) ?? 0));
    return missing;
  }

  /** In the order of the ids. */
  async orders(orderIds: readonly string[]): Promise<StoredOrder[]> {
    const rows = await this.#query<{ orderId: string; created: string | null; state: string | null } & StoredOrderView>(
      `SELECT wanted.order_id AS "orderId", j.events AS created, v.customer_id AS "customerId", v.status, v.currency,
              v.total_amount AS "totalAmount", v.line_count AS "lineCount", v.units,
              v.external_reference AS "externalReference", v.state
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted(order_id, place)
       LEFT JOIN LATERAL (SELECT * FROM order_view WHERE order_view.order_id = wanted.order_id::uuid LIMIT 1) AS v ON true
       LEFT JOIN LATERAL (
         SELECT events FROM journal WHERE entity_id = 'ord_' || wanted.order_id AND version = 1 LIMIT 1) AS j ON true
       ORDER BY wanted.place`,
      [textArray(orderIds)],
    );
    return rows.map(({ orderId, created, ...view }) => ({
      orderId,
      view: view.state === null ? undefined : view,
      created: created ?? undefined,
    }));
  }

  async orderCount(): Promise<number> {
    const rows = await this.#query<{ orders: number }>('SELECT count(*) AS orders FROM order_view');
    return rows[0]!.orders;
  }

  /** Over all warehouses; a product without stock is missing. */
  async stock(productIds: readonly string[]): Promise<StoredStock[]> {
    return await this.#query(
      `SELECT product_id AS "productId", sum(on_hand)::bigint AS "onHand", sum(held)::bigint AS held
       FROM stock_view WHERE product_id = ANY ($1::text[]) GROUP BY product_id`,
      [textArray(productIds)],
    );
  }

  /** Every order with an external reference, page by page in the order of the ids. */
  async *references(): AsyncGenerator<{ orderId: string; externalReference: string }[]> {
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const rows = await this.#query<{ orderId: string; externalReference: string | null }>(
        `SELECT order_id AS "orderId", external_reference AS "externalReference"
         FROM order_view WHERE order_id > $1::uuid ORDER BY order_id LIMIT ${REFERENCES_PER_PAGE}`,
        [after],
      );
      const last = rows.at(-1);
      if (!last) return;
      after = last.orderId;
      yield rows.filter((row): row is { orderId: string; externalReference: string } => row.externalReference !== null);
    }
  }

  async #query<Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      const result = await this.#client.query(sql, [...values]);
      return result.rows as Row[];
    } catch (error) {
      throw new StartupError(
        `The database failed during the reconciliation: ${messageOf(error)}. The orders are placed; run the same again to reconcile.`,
        { cause: error },
      );
    }
  }
}
