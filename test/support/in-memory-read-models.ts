/** The read models in memory, with the orders and the stock as tests look at them, and the list of orders. */
import { orderList, viewedBytes, type OrderListFilter, type OrderViewRow } from '../../actors/order/order-list.ts';
import { orderView } from '../../actors/order/view.ts';
import { stockView } from '../../actors/stock/view.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { InMemoryProjectionStore, type StoredColumns } from '../../persistence/in-memory/projection-store.ts';
import type { ViewList, ViewReads } from '../../persistence/view-definition.ts';

/** A row of the stock view: one product in one warehouse. */
export interface StockViewRow {
  readonly productId: string;
  readonly warehouseId: string;
  readonly shard: number;
  readonly version: number;
  readonly onHand: number;
  readonly held: number;
  readonly lowStockThreshold: number | null;
  readonly updatedAt: EpochMs;
}

export interface StoredOrder extends OrderViewRow {
  readonly settled: boolean;
}

export class InMemoryReadModels extends InMemoryProjectionStore implements ViewReads {
  /** By their ids. */
  get orders(): ReadonlyMap<string, StoredOrder> {
    return new Map([...this.rows(orderView)].map(([orderId, columns]) => [orderId, storedOrder(columns)]));
  }

  order(orderId: string): StoredOrder | undefined {
    const columns = this.rows(orderView).get(orderId);
    return columns && storedOrder(columns);
  }

  /** By product and warehouse. */
  get stocks(): ReadonlyMap<string, StockViewRow> {
    return new Map([...this.rows(stockView)].map(([key, columns]) => [key, stockRow(columns)]));
  }

  list<Filter, Row>(list: ViewList<Filter, Row>, filter: Filter): Promise<Row[]> {
    if ((list as unknown) !== orderList) throw new Error('only the list of orders is known in memory');
    const orders = [...this.orders.values()].map(({ state, version, origin }) => ({ state, version, origin }));
    return Promise.resolve(listedOrders(orders, filter as OrderListFilter) as Row[]);
  }
}

function storedOrder(columns: StoredColumns): StoredOrder {
  return { ...orderList.row(columns), settled: columns['settled'] as boolean };
}

function stockRow(columns: StoredColumns): StockViewRow {
  const { product_id, warehouse_id, on_hand, low_stock_threshold, updated_at, ...same } = columns;
  return {
    ...same,
    productId: product_id,
    warehouseId: warehouse_id,
    onHand: on_hand,
    lowStockThreshold: low_stock_threshold,
    updatedAt: updated_at,
  } as unknown as StockViewRow;
}

/** What the list of orders gives of these: the same as its query, as the contract suite proves. */
export function listedOrders(
  orders: readonly OrderViewRow[],
  { status, customerId, from, to, after, limit, bytesMax = Infinity }: OrderListFilter,
): OrderViewRow[] {
  const rows = orders
    .filter(({ state }) => status === undefined || state.status === status)
    .filter(({ state }) => customerId === undefined || state.terms.customerId === customerId)
    .filter(({ state }) => from === undefined || state.createdAt >= from)
    .filter(({ state }) => to === undefined || state.createdAt < to)
    .filter(({ state }) => after === undefined || isNewer(after, state))
    .sort((left, right) => (isNewer(left.state, right.state) ? -1 : 1))
    .slice(0, limit);
  let bytesBefore = 0;
  // One row behind the one that reaches the size tells that there is more.
  const end = rows.findIndex((_, index) => {
    const lastButOne = rows[index - 2];
    if (lastButOne !== undefined) bytesBefore += viewedBytes(lastButOne.state);
    return bytesBefore >= bytesMax;
  });
  return end >= 0 ? rows.slice(0, end) : rows;
}

type Position = NonNullable<OrderListFilter['after']>;

function isNewer(left: Position, right: Position): boolean {
  return left.createdAt === right.createdAt ? left.orderId > right.orderId : left.createdAt > right.createdAt;
}
