/**
 * Fills a database as the runtime would, without the runtime: orders run through the deciders one after another in
 * memory, and their rows and read models are written in bulk. For tests of what reads a whole database.
 */
import pg from 'pg';
import { type Decider, type DomainEvent, type Effect, type GatherAnswer, type Refusal } from '../../kernel/decider.ts';
import { KINDS } from '../../actors/index.ts';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { orderEntity, type OrderState, type OrderTerms } from '../../actors/order/order.ts';
import { orderDecider } from '../../actors/order/decider.ts';
import { type ProviderCall, type ProviderOutcome } from '../../actors/payment/payment.ts';
import { stockEntity, stockLevel, type StockState } from '../../actors/stock/stock.ts';
import { hashes } from '../../audit/fingerprint-set.ts';
import type { JournalRow } from '../../persistence/ports.ts';

type AnyDecider = Decider<unknown, { readonly type: string }, DomainEvent, Refusal>;

interface Entity {
  readonly decider: AnyDecider;
  readonly shard: number;
  state: unknown;
  version: number;
  firstSeq: number;
  wakeAt: number | null;
  lastAt: number;
}

type Command = { readonly type: string } & Readonly<Record<string, unknown>>;
type Row = Omit<JournalRow, 'meta'>;

const SHARDS = 4;
const RESEND_AFTER_MS = 1_000;
const ROWS_PER_INSERT = 2_000;

export class JournalWriter {
  readonly rows: Row[] = [];
  /** The time of the next row; every row takes a millisecond. */
  at: number;
  readonly #entities = new Map<string, Entity>();
  readonly #seqs = new Map<number, number>();
  #commands = 0;

  /** @param at the time of the first row */
  constructor(at: number) {
    this.at = at;
    for (let shard = 0; shard < SHARDS; shard++) this.startEpoch(shard, 1);
  }

  startEpoch(shard: number, epoch: number): void {
    const events = JSON.stringify([{ type: 'EpochStarted', epoch }]);
    this.#push({ shard, entityId: `shd_${shard}`, version: epoch, commandId: 'take', wakeAt: null, events }, epoch);
  }

  setStock(productId: string, onHand: number): void {
    this.#command(stockEntity(productId), { type: 'SetStock', warehouseId: 'main', onHand }, `set-${++this.#commands}`);
  }

  /** Places an order and lets it settle. */
  placeOrder(orderId: string, terms: Partial<OrderTerms> & Pick<OrderTerms, 'lines'>): void {
    const whole: OrderTerms = {
      customerId: 'customer-1',
      currency: 'GBP',
      shippingAddress: {
        street: '1 Example Street',
        city: 'Example',
        state: '',
        postalCode: '0',
        country: 'United Kingdom',
      },
      paymentMethod: { type: 'card', token: 'tok_visa' },
      confirmation: 'automatic',
      bodyHash: 'hash',
      reservationTtlMs: 900_000,
      ...terms,
    };
    this.#command(orderEntity(orderId), { type: 'PlaceOrder', terms: whole, unknownProducts: [] }, `place-${orderId}`);
  }

  cancelOrder(orderId: string): void {
    this.#command(
      orderEntity(orderId),
      { type: 'CancelOrder', reason: 'changed my mind' },
      `cancel-${++this.#commands}`,
    );
  }

  stateOf(entityId: string): unknown {
    return this.#entities.get(entityId)?.state;
  }

  #entity(entityId: string): Entity {
    let entity = this.#entities.get(entityId);
    if (entity) return entity;
    const decider = KINDS.of(entityId).decider;
    const shard = hashes(routingKeyOf(entityId))[0] % SHARDS;
    entity = { decider, shard, state: decider.initial(entityId), version: 0, firstSeq: 0, wakeAt: null, lastAt: 0 };
    this.#entities.set(entityId, entity);
    return entity;
  }

  #command(entityId: string, command: Command, commandId: string): GatherAnswer {
    const entity = this.#entity(entityId);
    const { decider } = entity;
    let answers: GatherAnswer[] | undefined;
    for (;;) {
      const decision = decider.decide(entity.state, command, this.at, answers);
      if (decision.kind === 'rejected') return { kind: 'rejected', refusal: decision.refusal };
      if (decision.kind === 'gather') {
        answers = [...(answers ?? []), ...decision.asks.map((ask) => this.#ask(ask))];
        continue;
      }
      if (decision.kind === 'accepted') this.#append(entityId, entity, commandId, decision.events);
      break;
    }
    this.#settle(entityId, entity);
    return { kind: 'done', value: decider.answer(entity.state, command) };
  }

  #append(entityId: string, entity: Entity, commandId: string, events: readonly DomainEvent[]): void {
    const { decider, shard } = entity;
    for (const event of events) entity.state = decider.evolve(entity.state, event, this.at);
    const waits = decider.outstanding(entity.state).length > 0 || decider.deadline(entity.state) !== undefined;
    entity.version++;
    entity.wakeAt = waits ? (decider.deadline(entity.state) ?? this.at + RESEND_AFTER_MS) : null;
    entity.lastAt = this.at;
    const { version, wakeAt } = entity;
    const seq = this.#push({ shard, entityId, version, commandId, wakeAt, events: JSON.stringify(events) }, 1);
    if (version === 1) entity.firstSeq = seq;
  }

  #push(row: Omit<Row, 'seq' | 'epoch' | 'at'>, epoch: number): number {
    const seq = (this.#seqs.get(row.shard) ?? 0) + 1;
    this.#seqs.set(row.shard, seq);
    this.rows.push({ ...row, seq, epoch, at: this.at++ });
    return seq;
  }

  #settle(entityId: string, entity: Entity): void {
    for (;;) {
      const [effect] = entity.decider.outstanding(entity.state);
      if (!effect) return;
      const answer = this.#ask(effect);
      this.#command(entityId, entity.decider.conclude(effect, answer), `${entityId}/${entity.version}/${effect.key}`);
    }
  }

  #ask(effect: Effect): GatherAnswer {
    if (effect.kind === 'call') return { kind: 'done', value: providerOutcome(effect.call as ProviderCall) };
    return this.#command(effect.to, effect.command as Command, effect.commandId);
  }

  /** Writes rows and read models; forgets the rows, so that more can follow. */
  async write(databaseUrl: string): Promise<void> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const rows = this.rows.splice(0);
      for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
        await insert(client, INSERT_JOURNAL, rows.slice(start, start + ROWS_PER_INSERT));
      }
      await client.query('TRUNCATE projection_checkpoints, order_view, stock_view, wake_ups');
      const checkpoints = [...this.#seqs].map(([shard, seq]) => ({ shard, seq }));
      await insert(client, INSERT_CHECKPOINTS, checkpoints);
      const entities = [...this.#entities];
      for (let start = 0; start < entities.length; start += ROWS_PER_INSERT) {
        await writeViews(client, entities.slice(start, start + ROWS_PER_INSERT));
      }
    } finally {
      await client.end();
    }
  }
}

async function writeViews(client: pg.Client, entities: readonly (readonly [string, Entity])[]): Promise<void> {
  const orders: unknown[] = [];
  const stocks: unknown[] = [];
  const wakeUps: unknown[] = [];
  for (const [entityId, { shard, version, state, firstSeq, wakeAt, lastAt, decider }] of entities) {
    if (wakeAt !== null) wakeUps.push({ entityId, shard, wakeAt });
    if (decider.kind === 'order') {
      const order = state as OrderState;
      if (order.status === 'Absent') continue;
      const units = order.terms.lines.reduce((sum, line) => sum + line.quantity, 0);
      const settled = orderDecider.outstanding(order).length === 0;
      orders.push({ shard, firstSeq, version, settled, units, lineCount: order.terms.lines.length, state: order });
    }
    if (decider.kind === 'stock') {
      const { productId, warehouses } = stockLevel(state as StockState);
      for (const warehouse of warehouses) stocks.push({ productId, ...warehouse, shard, version, lastAt });
    }
  }
  await insert(client, INSERT_ORDERS, orders);
  await insert(client, INSERT_STOCKS, stocks);
  await insert(client, INSERT_WAKE_UPS, wakeUps);
}

async function insert(client: pg.Client, sql: string, rows: readonly unknown[]): Promise<void> {
  if (rows.length > 0) await client.query(sql, [JSON.stringify(rows)]);
}

const time = (ms: string): string => `to_timestamp((${ms})::float8 / 1000)`;

const INSERT_JOURNAL = `
  INSERT INTO journal (shard, seq, epoch, version, at, wake_at, entity_id, command_id, events)
  SELECT shard, seq, epoch, version, ${time('at')}, ${time('"wakeAt"')}, "entityId", "commandId", events::json
  FROM json_to_recordset($1) AS r(shard int, seq bigint, epoch int, version int, at bigint, "wakeAt" bigint,
                                  "entityId" text, "commandId" text, events text)`;
const INSERT_CHECKPOINTS = `
  INSERT INTO projection_checkpoints (shard, seq) SELECT shard, seq FROM json_to_recordset($1) AS r(shard int, seq bigint)`;
const INSERT_ORDERS = `
  INSERT INTO order_view (order_id, shard, first_seq, version, customer_id, status, settled, currency, total_amount,
                          line_count, units, external_reference, created_at, updated_at, state)
  SELECT (state->>'orderId')::uuid, shard, "firstSeq", version, state#>>'{terms,customerId}', state->>'status', settled,
         state#>>'{terms,currency}', (state->>'total')::bigint, "lineCount", units, state#>>'{terms,externalReference}',
         ${time("state->>'createdAt'")}, ${time("state->>'updatedAt'")}, state
  FROM json_to_recordset($1) AS r(shard int, "firstSeq" bigint, version int, settled boolean, units bigint,
                                  "lineCount" int, state json)`;
const INSERT_STOCKS = `
  INSERT INTO stock_view (product_id, warehouse_id, shard, version, on_hand, held, low_stock_threshold, updated_at)
  SELECT "productId", "warehouseId", shard, version, "onHand", held, NULL, ${time('"lastAt"')}
  FROM json_to_recordset($1) AS r("productId" text, "warehouseId" text, shard int, version int, "onHand" bigint,
                                  held bigint, "lastAt" bigint)`;
const INSERT_WAKE_UPS = `
  INSERT INTO wake_ups (entity_id, shard, wake_at)
  SELECT "entityId", shard, ${time('"wakeAt"')} FROM json_to_recordset($1) AS r("entityId" text, shard int, "wakeAt" bigint)`;

/** Deterministic: the token says how it goes. */
function providerOutcome({ step, method, idempotencyKey }: ProviderCall): ProviderOutcome {
  if (method.token === 'tok_decline' && step === 'authorize') return { kind: 'refused', code: 'card_declined' };
  if (method.token === 'tok_capture_fail' && step === 'capture') return { kind: 'refused', code: 'capture_refused' };
  return { kind: 'approved', reference: `${idempotencyKey}/approved` };
}
