/** The shared access to the tables of all peers: setting stock, reading orders and stock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type NewOrder, orderAnswer, type OrderState, type PlaceResult } from './order.ts';
import type { StockBatch } from './requests.ts';

/** A repeated request waits so long for the first one's order, as its `Prefer: wait` asks. */
const REPLAY_WAIT_MS = 30_000;
/** Replays are rare, and never measured. */
const REPLAY_POLL_MS = 10;

export class ShopTables {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async find(orderId: string): Promise<unknown> {
    const text =
      'select id as "orderId", customer as "customerId", status, total, currency, lines from orders where id = $1';
    return (await this.#pool.query({ name: 'find-order', text, values: [orderId] })).rows[0];
  }

  async findStock(productId: string): Promise<unknown> {
    const text = `select product as "productId", on_hand::float8 as "onHand", held::float8, (on_hand - held)::float8 as available
                  from stock where product = $1`;
    return (await this.#pool.query({ name: 'find-stock', text, values: [productId] })).rows[0];
  }

  async putStock({ items }: StockBatch): Promise<void> {
    await this.#pool.query(
      `insert into stock(product, on_hand)
       select * from unnest($1::text[], $2::bigint[]) as item(product, on_hand) order by product collate "C"
       on conflict (product) do update set on_hand = excluded.on_hand`,
      [items.map((item) => item.productId), items.map((item) => item.onHand)],
    );
  }

  /** Returns the order that has the key of `order`, once it is settled. */
  async replay(order: NewOrder): Promise<PlaceResult> {
    const text = `select o.id, o.status, o.body_hash as "bodyHash", o.total::float8, o.currency,
                    p.status as "paymentStatus", o.refused_product as "refusedProduct"
                  from orders o left join payments p on p.order_id = o.id where o.idempotency_key = $1`;
    const giveUpAtMs = performance.now() + REPLAY_WAIT_MS;
    for (;;) {
      const found = await this.#pool.query<KnownOrder>({ name: 'find-by-key', text, values: [order.key] });
      const known = found.rows[0]!;
      if (known.bodyHash !== order.bodyHash) return { kind: 'mismatch' };
      const isSettled = known.status === 'Cancelled' || known.paymentStatus === 'Captured';
      if (isSettled || performance.now() > giveUpAtMs) return { kind: 'replayed', order: orderAnswer(known) };
      await sleep(REPLAY_POLL_MS);
    }
  }
}

interface KnownOrder extends OrderState {
  readonly bodyHash: string;
}
