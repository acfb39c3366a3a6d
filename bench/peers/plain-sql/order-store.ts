/**
 * The peer's four transactions an order: created, reserved, authorized and confirmed, captured. Each step commits
 * before the next begins, as it must where a gateway is called between them, and writes its events into an outbox in
 * the same transaction.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type NewOrder, type PlaceResult, settledAnswer, type Wanted, wantedOf } from '../shop/order.ts';
import { inTransaction, type Query } from '../shop/transaction.ts';

class InsufficientInventory extends Error {}

export class OrderStore {
  readonly #pool: pg.Pool;
  readonly #replay: (order: NewOrder) => Promise<PlaceResult>;

  constructor(pool: pg.Pool, replay: (order: NewOrder) => Promise<PlaceResult>) {
    this.#pool = pool;
    this.#replay = replay;
  }

  /** Places an order and carries it to its end; its key makes a repeated call answer with the first one's order. */
  async place(order: NewOrder): Promise<PlaceResult> {
    if (!(await this.#create(order))) return await this.#replay(order);
    try {
      await this.#reserve(order.id, wantedOf(order.lines));
    } catch (error) {
      if (!(error instanceof InsufficientInventory)) throw error;
      await this.#cancel(order.id, error.message);
      return { kind: 'placed', order: settledAnswer(order, error.message) };
    }
    await this.#authorize(order.id, order.total, `auth_${randomUUID()}`);
    await this.#capture(order.id, `cap_${randomUUID()}`);
    return { kind: 'placed', order: settledAnswer(order, null) };
  }

  /** @returns false where another order has the key */
  async #create(order: NewOrder): Promise<boolean> {
    const { id, key, bodyHash, customer, total, currency, lines, address } = order;
    return await inTransaction(this.#pool, async (query) => {
      const written = await query(
        'create-order',
        `with created as (
           insert into orders(id, idempotency_key, body_hash, customer, status, total, currency, lines, address)
           values ($1, $2, $3, $4, 'Created', $5, $6, $7, $8) on conflict (idempotency_key) do nothing returning id)
         insert into outbox(order_id, type, data) select id, 'OrderCreated', $9 from created`,
        [
          ...[id, key, bodyHash, customer, total, currency],
          ...[lines, address, { total }].map((value) => JSON.stringify(value)),
        ],
      );
      return written.rowCount === 1;
    });
  }

  async #reserve(id: string, wanted: Wanted): Promise<void> {
    await inTransaction(this.#pool, async (query) => {
      for (const [product, quantity] of wanted) {
        const held = await query(
          'hold',
          'update stock set held = held + $2 where product = $1 and on_hand - held >= $2',
          [product, quantity],
        );
        if (held.rowCount === 0) throw new InsufficientInventory(product);
      }
      await query('reserve', `insert into reservations values ($1, 'Held', $2, now() + interval '15 minutes')`, [
        id,
        JSON.stringify(wanted),
      ]);
      await setStatus(query, id, 'PaymentPending');
      await appendEvent(query, id, 'InventoryReserved', {});
    });
  }

  async #authorize(id: string, total: number, authorization: string): Promise<void> {
    await inTransaction(this.#pool, async (query) => {
      await query('authorize', `insert into payments values ($1, 'Authorized', $2, $3)`, [id, total, authorization]);
      await setStatus(query, id, 'Confirmed');
      await query(
        'append-two-events',
        `insert into outbox(order_id, type, data) values ($1, 'PaymentAuthorized', '{}'), ($1, 'OrderConfirmed', '{}')`,
        [id],
      );
    });
  }

  async #capture(id: string, capture: string): Promise<void> {
    await inTransaction(this.#pool, async (query) => {
      await query('capture', `update payments set status = 'Captured', capture_id = $2 where order_id = $1`, [
        id,
        capture,
      ]);
      await appendEvent(query, id, 'PaymentCaptured', {});
    });
  }

  async #cancel(id: string, product: string): Promise<void> {
    await inTransaction(this.#pool, async (query) => {
      const text = `update orders set status = 'Cancelled', refused_product = $2, updated_at = now() where id = $1`;
      await query('cancel', text, [id, product]);
      await appendEvent(query, id, 'OrderCancelled', { product });
    });
  }
}

function setStatus(query: Query, id: string, status: string): Promise<unknown> {
  return query('set-status', 'update orders set status = $2, updated_at = now() where id = $1', [id, status]);
}

function appendEvent(query: Query, id: string, type: string, data: unknown): Promise<unknown> {
  const values = [id, type, JSON.stringify(data)];
  return query('append-event', 'insert into outbox(order_id, type, data) values ($1, $2, $3)', values);
}
