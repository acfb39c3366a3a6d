/** The list of orders: its query over the order view. Newest first (createdAt, then orderId). */
import type { EpochMs } from '../../kernel/clock.ts';
import type { Origin } from '../../persistence/ports.ts';
import type { ViewList } from '../../persistence/view-definition.ts';
import type { OrderStatus, PlacedOrder } from './order.ts';

/** An order as the view shows it. */
export interface OrderViewRow {
  readonly state: PlacedOrder;
  readonly version: number;
  readonly origin: Origin;
}

export interface OrderListFilter {
  readonly status?: OrderStatus;
  readonly customerId?: string;
  /** Inclusive. */
  readonly from?: EpochMs;
  /** Exclusive. */
  readonly to?: EpochMs;
  /** The last row of the page before: rows older than it follow. */
  readonly after?: { readonly createdAt: EpochMs; readonly orderId: string };
  readonly limit: number;
  /** Ends the list with the first row behind this size (see viewedBytes), so that no more is read than is shown. */
  readonly bytesMax?: number;
}

const VIEWED_ORDER_BYTES = 1_500;
const VIEWED_LINE_BYTES = 160;

/** The size of an order as it is shown: an estimate by its number of lines, known without reading the order. */
export function viewedBytes({ terms }: Pick<PlacedOrder, 'terms'>): number {
  return VIEWED_ORDER_BYTES + VIEWED_LINE_BYTES * terms.lines.length;
}

export const orderList: ViewList<OrderListFilter, OrderViewRow> = {
  query: listQuery,
  row: (columns) => {
    const { state, version, shard, first_seq } = columns as unknown as ListedColumns;
    return { state: JSON.parse(state) as PlacedOrder, version, origin: { shard, seq: first_seq } };
  },
};

interface ListedColumns {
  /** JSON text. */
  readonly state: string;
  readonly version: number;
  readonly shard: number;
  readonly first_seq: number;
}

const LIST_COLUMNS = 'state, version, shard, first_seq';

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
