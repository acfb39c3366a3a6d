/**
 * Owns the peer's four transactions an order: created, reserved, authorized and confirmed, captured. Each step
 * commits before the next begins, as it must where a gateway is called between them, and writes its events into an
 * outbox in the same transaction. Rows of stock are locked in the order of their names, so that no two orders
 * deadlock.
 */
import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { PlaceOrder, StockBatch } from './requests.ts';

export type PlaceResult =
  { readonly kind: 'placed' | 'replayed'; readonly order: OrderAnswer } | { readonly kind: 'mismatch' };

export interface OrderAnswer {
  readonly orderId: string;
  readonly status: string;
  readonly totalAmount: { readonly amount: number; readonly currency: string };
  readonly payment?: { readonly status: string };
  readonly cancellation?: { readonly code: string; readonly details: string };
}

type Query = (name: string, text: string, values: readonly unknown[]) => Promise<pg.QueryResult>;

class InsufficientInventory extends Error {}

export class OrderStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Places an order and carries it to its end; `key` makes a repeated call answer with the first one's order. */
  async place(order: PlaceOrder, customer: string, key: string | null): Promise<PlaceResult> {
    const id = randomUUID();
    const total = order.orderLines.reduce((sum, line) => sum + line.quantity * line.unitPrice.amount, 0);
    const currency = order.orderLines[0]!.unitPrice.currency;
    const bodyHash = createHash('sha256').update(JSON.stringify(order)).digest('hex');
    const answer = { orderId: id, totalAmount: { amount: total, currency } };

    const isNew = await this.#create(id, key, bodyHash, customer, total, order);
    if (!isNew) return await this.#replay(key, bodyHash);

    try {
      await this.#reserve(id, quantityByProduct(order));
    } catch (error) {
      if (!(error instanceof InsufficientInventory)) throw error;
      await this.#cancel(id, error.message);
      const cancellation = { code: 'insufficient_inventory', details: error.message };
      return { kind: 'placed', order: { ...answer, status: 'Cancelled', cancellation } };
    }
    await this.#authorize(id, total, `auth_${randomUUID()}`);
    await this.#capture(id, `cap_${randomUUID()}`);
    return { kind: 'placed', order: { ...answer, status: 'Confirmed', payment: { status: 'Captured' } } };
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
      `insert into stock(product, on_hand) select * from unnest($1::text[], $2::bigint[])
       on conflict (product) do update set on_hand = excluded.on_hand`,
      [items.map((item) => item.productId), items.map((item) => item.onHand)],
    );
  }

  /** @returns false where another order has the key */
  async #create(
    id: string,
    key: string | null,
    bodyHash: string,
    customer: string,
    total: number,
    { orderLines, shippingAddress }: PlaceOrder,
  ): Promise<boolean> {
    const currency = orderLines[0]!.unitPrice.currency;
    return await this.#inTransaction(async (query) => {
      const written = await query(
        'create-order',
        `with created as (
           insert into orders(id, idempotency_key, body_hash, customer, status, total, currency, lines, address)
           values ($1, $2, $3, $4, 'Created', $5, $6, $7, $8) on conflict (idempotency_key) do nothing returning id)
         insert into outbox(order_id, type, data) select id, 'OrderCreated', $9 from created`,
        [
          ...[id, key, bodyHash, customer, total, currency],
          ...[orderLines, shippingAddress, { total }].map((value) => JSON.stringify(value)),
        ],
      );
      return written.rowCount === 1;
    });
  }

  async #reserve(id: string, wanted: readonly (readonly [product: string, quantity: number])[]): Promise<void> {
    await this.#inTransaction(async (query) => {
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
    await this.#inTransaction(async (query) => {
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
    await this.#inTransaction(async (query) => {
      await query('capture', `update payments set status = 'Captured', capture_id = $2 where order_id = $1`, [
        id,
        capture,
      ]);
      await appendEvent(query, id, 'PaymentCaptured', {});
    });
  }

  async #cancel(id: string, product: string): Promise<void> {
    await this.#inTransaction(async (query) => {
      await setStatus(query, id, 'Cancelled');
      await appendEvent(query, id, 'OrderCancelled', { product });
    });
  }

  async #replay(key: string | null, bodyHash: string): Promise<PlaceResult> {
    const text = `select o.id, o.status, o.body_hash, o.total::float8, o.currency, p.status as payment
                  from orders o left join payments p on p.order_id = o.id where o.idempotency_key = $1`;
    const known = (await this.#pool.query<KnownOrder>({ name: 'find-by-key', text, values: [key] })).rows[0]!;
    if (known.body_hash !== bodyHash) return { kind: 'mismatch' };
    const totalAmount = { amount: known.total, currency: known.currency };
    const payment = known.payment === null ? {} : { payment: { status: known.payment } };
    return { kind: 'replayed', order: { orderId: known.id, status: known.status, totalAmount, ...payment } };
  }

  async #inTransaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin');
      const result = await work((name, text, values) => client.query({ name, text, values: values as unknown[] }));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}

interface KnownOrder {
  readonly id: string;
  readonly status: string;
  readonly body_hash: string;
  readonly total: number;
  readonly currency: string;
  readonly payment: string | null;
}

function setStatus(query: Query, id: string, status: string): Promise<unknown> {
  return query('set-status', 'update orders set status = $2, updated_at = now() where id = $1', [id, status]);
}

function appendEvent(query: Query, id: string, type: string, data: unknown): Promise<unknown> {
  const values = [id, type, JSON.stringify(data)];
  return query('append-event', 'insert into outbox(order_id, type, data) values ($1, $2, $3)', values);
}

function quantityByProduct(order: PlaceOrder): (readonly [string, number])[] {
  const wanted = new Map<string, number>();
  for (const { productId, quantity } of order.orderLines) {
    wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  }
  return [...wanted].sort(([a], [b]) => (a < b ? -1 : 1));
}
