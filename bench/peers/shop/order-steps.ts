/**
 * The steps of an order as statements over any number of orders, for peers that can be interrupted between two of them.
 * Each step moves orders on from the one status that it expects, and writes the rest, with their events, only for those
 * that it moved: repeating a step changes nothing.
 *
 * The gateway is a simulated one: it is given the order's id as idempotency key, and names what it does after it.
 */
import type { NewOrder, Wanted } from './order.ts';
import type { Query } from './transaction.ts';

/** Further inserts in the same statement as a step; each reads the table `moved`, with the `id`s of its orders. */
export interface AfterStep {
  readonly created?: string;
  /** Orders that were cancelled instead have a `refused` product. */
  readonly reserved?: string;
  readonly authorized?: string;
}

export interface OrderToReserve {
  readonly id: string;
  readonly wanted: Wanted;
}

export class OrderSteps {
  readonly #create: string;
  readonly #reserve: string;
  readonly #authorize: string;

  constructor({ created, reserved, authorized }: AfterStep = {}) {
    this.#create = createStatement(also('after', created));
    this.#reserve = reserveStatement(also('after', reserved));
    this.#authorize = authorizeStatement(also('after', authorized));
  }

  /** @returns false where there is one with its id or key */
  async create(query: Query, order: NewOrder): Promise<boolean> {
    const { id, key, bodyHash, customer, total, currency, lines, address } = order;
    const written = await query('step-create', this.#create, [
      ...[id, key, bodyHash, customer, total, currency],
      ...[lines, address, { total }].map((value) => JSON.stringify(value)),
    ]);
    return written.rowCount === 1;
  }

  /**
   * Holds stock for one order after the other if there is enough for all its lines, and cancels the others. To be
   * called in a transaction, which has the rows of stock for itself from the first statement on.
   *
   * @returns by id the product that was short
   */
  async reserve(query: Query, orders: readonly OrderToReserve[]): Promise<ReadonlyMap<string, string>> {
    const products = new Set(orders.flatMap(({ wanted }) => wanted.map(([product]) => product)));
    const stock = await query<{ product: string; available: number }>('lock-stock', LOCK_STOCK, [[...products]]);
    const refused = refuse(orders, new Map(stock.rows.map(({ product, available }) => [product, available])));
    const ids = orders.map(({ id }) => id);
    const moved = await query('step-reserve', this.#reserve, [
      ids,
      ids.map((id) => refused.get(id) ?? null),
      orders.map(({ wanted }) => JSON.stringify(wanted)),
    ]);
    if (moved.rowCount === orders.length) return refused;
    // Some were decided earlier, with another stock.
    const known = await query<{ id: string; refused: string }>('find-refused', FIND_REFUSED, [ids]);
    return new Map(known.rows.map((row) => [row.id, row.refused]));
  }

  /** Authorizes the payments and confirms the orders. */
  async authorize(query: Query, ids: readonly string[]): Promise<void> {
    await query('step-authorize', this.#authorize, [ids]);
  }

  async capture(query: Query, ids: readonly string[]): Promise<void> {
    await query('step-capture', CAPTURE, [ids]);
  }
}

/** Takes what is granted from `available`. */
function refuse(orders: readonly OrderToReserve[], available: Map<string, number>): Map<string, string> {
  const refused = new Map<string, string>();
  for (const { id, wanted } of orders) {
    const short = wanted.find(([product, quantity]) => (available.get(product) ?? 0) < quantity);
    if (short !== undefined) refused.set(id, short[0]);
    else for (const [product, quantity] of wanted) available.set(product, available.get(product)! - quantity);
  }
  return refused;
}

function also(name: string, insert: string | undefined): string {
  return insert === undefined ? '' : `, ${name} as (${insert})`;
}

const createStatement = (after: string): string => `
with moved as (
  insert into orders(id, idempotency_key, body_hash, customer, status, total, currency, lines, address)
  values ($1, $2, $3, $4, 'Created', $5, $6, $7, $8) on conflict do nothing returning id)${after}
insert into outbox(order_id, type, data) select id, 'OrderCreated', $9 from moved`;

/** In the order of the names, in which all lock rows of stock: so no two transactions deadlock. */
const LOCK_STOCK = `
select product, (on_hand - held)::float8 as available from stock
where product = any($1::text[]) order by product collate "C" for no key update`;

const reserveStatement = (after: string): string => `
with moved as (
  update orders set updated_at = now(), refused_product = asked.refused,
    status = case when asked.refused is null then 'PaymentPending' else 'Cancelled' end
  from unnest($1::uuid[], $2::text[], $3::jsonb[]) as asked(id, refused, wanted)
  where orders.id = asked.id and orders.status = 'Created'
  returning asked.id, asked.refused, asked.wanted),
held as (
  update stock set held = stock.held + taken.quantity
  from (select line ->> 0 as product, sum((line ->> 1)::bigint) as quantity
        from moved, jsonb_array_elements(wanted) as line where refused is null group by 1) as taken
  where stock.product = taken.product),
reserved as (
  insert into reservations(order_id, status, lines, expires_at)
  select id, 'Held', wanted, now() + interval '15 minutes' from moved where refused is null)${after}
insert into outbox(order_id, type, data)
select id, case when refused is null then 'InventoryReserved' else 'OrderCancelled' end,
  case when refused is null then '{}' else jsonb_build_object('product', refused) end
from moved`;

const FIND_REFUSED = `
select id, refused_product as refused from orders where id = any($1::uuid[]) and refused_product is not null`;

const authorizeStatement = (after: string): string => `
with moved as (
  update orders set status = 'Confirmed', updated_at = now()
  where id = any($1::uuid[]) and status = 'PaymentPending' returning id, total),
authorized as (
  insert into payments(order_id, status, amount, authorization_id)
  select id, 'Authorized', total, 'auth_' || id::text from moved)${after}
insert into outbox(order_id, type, data)
select id, type, '{}' from moved, unnest(array['PaymentAuthorized', 'OrderConfirmed']) as type`;

const CAPTURE = `
with moved as (
  update payments set status = 'Captured', capture_id = 'cap_' || order_id::text
  where order_id = any($1::uuid[]) and status = 'Authorized' returning order_id)
insert into outbox(order_id, type, data) select order_id, 'PaymentCaptured', '{}' from moved`;
