/**
 * The read models in memory, for tests of what lies above them. It keeps the same promises as the one in PostgreSQL,
 * which the contract suite in test/contract holds it to. One store may serve several owners, one after another or at
 * once: only the checkpoint tells them apart.
 */
import type { EpochMs } from '../../kernel/clock.ts';
import { viewedBytes } from '../ports.ts';
import type { OrderListFilter, OrderViewRow, OrderViews, ProjectionFlush, ProjectionStore } from '../ports.ts';

type StoredOrder = ProjectionFlush['orders'][number];
type StoredWakeUp = ProjectionFlush['wakeUps'][number];

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

export class InMemoryProjectionStore implements ProjectionStore, OrderViews {
  readonly orders = new Map<string, StoredOrder>();
  /** By product and warehouse. */
  readonly stocks = new Map<string, StockViewRow>();
  readonly waiting = new Map<string, StoredWakeUp>();
  readonly #checkpoints = new Map<number, number>();

  checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    return Promise.resolve(new Map(shards.map((shard) => [shard, this.#checkpoints.get(shard) ?? 0])));
  }

  wakeUps(shards: readonly number[]): Promise<StoredWakeUp[]> {
    const wanted = new Set(shards);
    return Promise.resolve([...this.waiting.values()].filter(({ shard }) => wanted.has(shard)));
  }

  flush({ moves, orders, stocks, wakeUps, settled }: ProjectionFlush): Promise<ReadonlySet<number>> {
    const moved = new Set<number>();
    for (const { shard, from, to } of moves) {
      if ((this.#checkpoints.get(shard) ?? 0) !== from) continue;
      this.#checkpoints.set(shard, to);
      moved.add(shard);
    }
    for (const order of orders) if (moved.has(order.origin.shard)) this.#putOrder(order);
    for (const stock of stocks) if (moved.has(stock.shard)) this.#putStock(stock);
    for (const wakeUp of wakeUps) if (moved.has(wakeUp.shard)) this.waiting.set(wakeUp.entityId, wakeUp);
    for (const { shard, entityId } of settled) if (moved.has(shard)) this.waiting.delete(entityId);
    return Promise.resolve(moved);
  }

  list({ status, customerId, from, to, after, limit, bytesMax = Infinity }: OrderListFilter): Promise<OrderViewRow[]> {
    const rows = [...this.orders.values()]
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
    if (end >= 0) rows.length = end;
    return Promise.resolve(rows.map(({ state, version, origin }) => ({ state: copy(state), version, origin })));
  }

  /** Where an order began never changes. */
  #putOrder(order: StoredOrder): void {
    const known = this.orders.get(order.state.orderId);
    this.orders.set(order.state.orderId, { ...order, state: copy(order.state), origin: known?.origin ?? order.origin });
  }

  #putStock({ shard, version, level, at }: ProjectionFlush['stocks'][number]): void {
    const { productId, lowStockThreshold = null } = level;
    for (const { warehouseId, onHand, held } of level.warehouses) {
      const row = { productId, warehouseId, shard, version, onHand, held, lowStockThreshold, updatedAt: at };
      this.stocks.set(JSON.stringify([productId, warehouseId]), row);
    }
  }
}

/** What is stored can't be changed from outside any more. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

interface Position {
  readonly createdAt: EpochMs;
  readonly orderId: string;
}

function isNewer(left: Position, right: Position): boolean {
  return left.createdAt === right.createdAt ? left.orderId > right.orderId : left.createdAt > right.createdAt;
}
