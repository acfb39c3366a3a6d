/**
 * The kit's own reading of the journal: every row once, in order of shard and seq, folded into the end of each order
 * and product. It shares no code with the runtime or its audit, because a mistake made in both would stay hidden.
 */
import { eventKey } from './heard-events.ts';
import { publicTypeOf } from './public-types.ts';
import { type Violation, Violations } from './violation.ts';

export interface ScannedRow {
  readonly shard: number;
  readonly seq: number;
  readonly epoch: number;
  readonly entityId: string;
  readonly version: number;
  readonly events: readonly ScannedEvent[];
}
export type ScannedEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface OrderFacts {
  readonly orderId: string;
  reference: string | undefined;
  customer: string;
  lines: readonly { readonly productId: string; readonly quantity: number; readonly unitPrice: number }[];
  /** How many rows created it. */
  created: number;
  version: number;
  confirmed: boolean;
  /** The capture is recorded with the order. */
  captureRecorded: boolean;
  /** Why, once it is Cancelled. */
  cancelledFor: string | undefined;
  readonly payment: PaymentFacts;
}

/** Amounts that the payment's own log names, and how often. */
export interface PaymentFacts {
  authorizations: number;
  captures: number;
  captured: number;
  voids: number;
  refunds: number;
  refunded: number;
  declines: number;
}

export interface StockFacts {
  readonly productId: string;
  onHand: number;
  held: number;
  /** How often onHand was set to each number. */
  readonly sets: Map<number, number>;
  /** Units by the order that holds them. */
  readonly holds: Map<string, number>;
}

export interface JournalFacts {
  readonly rows: number;
  readonly epochs: number;
  readonly orders: ReadonlyMap<string, OrderFacts>;
  readonly stock: ReadonlyMap<string, StockFacts>;
  /** By entity, in order: the events that integrators must hear, named as by {@link eventKey}. */
  readonly published: ReadonlyMap<string, readonly string[]>;
  readonly publishedCount: number;
  readonly violations: readonly Violation[];
}

const PREFIX_LENGTH = 4;
const idIn = (entityId: string): string => entityId.slice(PREFIX_LENGTH);

export class JournalScan {
  readonly #violations = new Violations();
  readonly #orders = new Map<string, OrderFacts>();
  readonly #stock = new Map<string, StockFacts>();
  readonly #versions = new Map<string, number>();
  readonly #published = new Map<string, string[]>();
  #publishedCount = 0;
  #rows = 0;
  #epochs = 0;
  #shard = -1;
  #seq = 0;
  #epoch = 0;

  /** Rows come sorted by (shard, seq). */
  add(row: ScannedRow): void {
    this.#rows += 1;
    if (row.shard !== this.#shard) this.#beginShard(row.shard);
    this.#judgePlace(row);
    const version = this.#versions.get(row.entityId) ?? 0;
    if (row.version !== version + 1) {
      this.#violations.add('hole_in_versions', row.entityId, `version ${version + 1}`, `version ${row.version}`);
    }
    this.#versions.set(row.entityId, row.version);
    if (row.entityId.startsWith('ord_')) this.#noteVersion(idIn(row.entityId), row);
    for (const event of row.events) {
      this.#fold(row, event);
      this.#notePublic(row, event);
    }
  }

  /** A row without events binds a key: it is a version of an order, but no order if it is the first row of its id. */
  #noteVersion(orderId: string, { version, events }: ScannedRow): void {
    if (events.length > 0 || this.#orders.has(orderId)) this.#order(orderId).version = version;
  }

  finish(): JournalFacts {
    return {
      rows: this.#rows,
      epochs: this.#epochs,
      orders: this.#orders,
      stock: this.#stock,
      published: this.#published,
      publishedCount: this.#publishedCount,
      violations: this.#violations.list,
    };
  }

  #beginShard(shard: number): void {
    this.#shard = shard;
    this.#seq = 0;
    this.#epoch = 0;
  }

  #judgePlace({ shard, seq, epoch, events }: ScannedRow): void {
    const place = `shard ${shard}, seq ${seq}`;
    if (seq !== this.#seq + 1) this.#violations.add('hole_in_log', place, `seq ${this.#seq + 1}`, `seq ${seq}`);
    const begins = events.some(({ type }) => type === 'EpochStarted');
    if (begins) this.#epochs += 1;
    if (epoch < this.#epoch) {
      this.#violations.add('falling_epoch', place, `epoch ${this.#epoch} or higher`, `epoch ${epoch}`);
    } else if (begins ? epoch <= this.#epoch : epoch !== this.#epoch) {
      const expected = begins ? `an epoch above ${this.#epoch}` : `epoch ${this.#epoch}, which began before`;
      this.#violations.add('epoch_without_beginning', place, expected, `epoch ${epoch}`);
    }
    this.#seq = seq;
    this.#epoch = Math.max(this.#epoch, epoch);
  }

  #fold({ entityId }: ScannedRow, event: ScannedEvent): void {
    if (entityId.startsWith('ord_')) this.#foldOrder(this.#order(idIn(entityId)), event);
    else if (entityId.startsWith('pay_')) this.#foldPayment(this.#order(idIn(entityId)).payment, event);
    else if (entityId.startsWith('stk_')) this.#foldStock(this.#item(idIn(entityId)), event);
  }

  #notePublic({ entityId, version }: ScannedRow, event: ScannedEvent): void {
    const type = publicTypeOf(event);
    if (type === undefined) return;
    this.#publishedCount += 1;
    const key = eventKey(version, type);
    const events = this.#published.get(entityId);
    if (events === undefined) this.#published.set(entityId, [key]);
    else events.push(key);
  }

  #foldOrder(order: OrderFacts, event: ScannedEvent): void {
    if (order.cancelledFor !== undefined) {
      this.#violations.add('changed_after_its_end', order.orderId, 'nothing after OrderCancelled', event.type);
    }
    switch (event.type) {
      case 'OrderCreated':
        order.created += 1;
        order.reference = event['externalReference'] as string | undefined;
        order.customer = event['customerId'] as string;
        order.lines = event['lines'] as OrderFacts['lines'];
        return;
      case 'OrderConfirmed':
        order.confirmed = true;
        return;
      case 'OrderPaymentCaptured':
        order.captureRecorded = true;
        return;
      case 'OrderCancelled':
        order.cancelledFor = event['code'] as string;
        return;
    }
  }

  #foldPayment(payment: PaymentFacts, event: ScannedEvent): void {
    switch (event.type) {
      case 'PaymentAuthorized':
        payment.authorizations += 1;
        return;
      case 'PaymentDeclined':
        payment.declines += 1;
        return;
      case 'PaymentCaptured':
        payment.captures += 1;
        payment.captured += event['amount'] as number;
        return;
      case 'PaymentVoided':
        payment.voids += 1;
        return;
      case 'PaymentRefunded':
        payment.refunds += 1;
        payment.refunded += event['amount'] as number;
        return;
    }
  }

  #foldStock(item: StockFacts, event: ScannedEvent): void {
    switch (event.type) {
      case 'StockSet': {
        item.onHand = event['onHand'] as number;
        item.sets.set(item.onHand, (item.sets.get(item.onHand) ?? 0) + 1);
        break;
      }
      case 'StockHeld': {
        const orderId = idIn(event['holdId'] as string);
        if (item.holds.has(orderId)) {
          this.#violations.add('held_twice', item.productId, `one hold of order ${orderId}`, 'two of them');
        }
        item.holds.set(orderId, (item.holds.get(orderId) ?? 0) + (event['quantity'] as number));
        item.held += event['quantity'] as number;
        break;
      }
      case 'StockReleased': {
        const orderId = idIn(event['holdId'] as string);
        const quantity = item.holds.get(orderId);
        if (quantity === undefined) {
          this.#violations.add('released_unheld', item.productId, `a hold of order ${orderId}`, 'none');
        }
        item.holds.delete(orderId);
        item.held -= quantity ?? 0;
        break;
      }
    }
    if (item.held > item.onHand) {
      this.#violations.add('oversold', item.productId, `at most ${item.onHand} held`, String(item.held));
    }
  }

  #order(orderId: string): OrderFacts {
    let order = this.#orders.get(orderId);
    if (order === undefined) this.#orders.set(orderId, (order = absentOrder(orderId)));
    return order;
  }

  #item(productId: string): StockFacts {
    let item = this.#stock.get(productId);
    if (item === undefined) {
      this.#stock.set(productId, (item = { productId, onHand: 0, held: 0, sets: new Map(), holds: new Map() }));
    }
    return item;
  }
}

function absentOrder(orderId: string): OrderFacts {
  return {
    orderId,
    reference: undefined,
    customer: '',
    lines: [],
    created: 0,
    version: 0,
    confirmed: false,
    captureRecorded: false,
    cancelledFor: undefined,
    payment: { authorizations: 0, captures: 0, captured: 0, voids: 0, refunds: 0, refunded: 0, declines: 0 },
  };
}
