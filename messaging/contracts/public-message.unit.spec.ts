import { expect } from 'chai';
import fc from 'fast-check';
import * as orders from '../../test/support/order-histories.ts';
import * as payments from '../../test/support/payment-histories.ts';
import { TEST_DEPLOYMENT, testMessages } from '../../test/support/message-origin.ts';
import type { ReleaseReason, ReservationEvent } from '../../actors/reservation/reservation.ts';
import type { StockEvent } from '../../actors/stock/stock.ts';
import { ACTORS, PUBLIC_EVENTS } from '../../actors/index.ts';
import type { OrderEvent } from '../../actors/order/order.ts';
import { paymentEntity, type PaymentEvent } from '../../actors/payment/payment.ts';
import type { JournaledEvent, PublicMessage } from './public-message.ts';
import { sampleMessageOf } from './samples.ts';

const ID = '6f0c1c1e-9b1f-4c57-8d3a-0a4f6f1f2b3c';
const MESSAGES = testMessages();
const AT = Date.UTC(2026, 4, 1, 8, 0, 0, 999);
const PREFIXES = { order: 'ord_', payment: 'pay_', reservation: 'res_', stock: 'stk_' } as const;
type Kind = keyof typeof PREFIXES;
type JournalEvent = OrderEvent | PaymentEvent | ReservationEvent | StockEvent;

const journaled = (kind: Kind, event: JournalEvent, where: Partial<JournaledEvent> = {}): JournaledEvent => ({
  entityId: PREFIXES[kind] + (kind === 'stock' ? 'P 1' : ID),
  version: 5,
  shard: 9,
  seq: 1_234,
  epoch: 2,
  ordinal: 1,
  at: AT,
  commandId: 'http/1',
  event,
  ...where,
});
const messageOf = (kind: Kind, event: JournalEvent, where?: Partial<JournaledEvent>): PublicMessage => {
  const message = MESSAGES.messageOf(journaled(kind, event, where));
  if (message === undefined) throw new Error(`${event.type} is private`);
  return message;
};
const bodyOf = (kind: Kind, event: JournalEvent): unknown => JSON.parse(messageOf(kind, event).body);
const publicEvent = (type: string) => PUBLIC_EVENTS.all.find(({ routingKey }) => routingKey === type);
/** @throws where the body is not exactly what the schema says. */
const verify = ({ routingKey, body }: PublicMessage): void => {
  const event = publicEvent(routingKey);
  if (event === undefined) throw new Error(`${routingKey} is no public event`);
  event.schema.parse(JSON.parse(body));
};
const releasedFor = (reason: ReleaseReason): ReservationEvent => ({ type: 'InventoryReleased', reason });
const reserved: ReservationEvent = { type: 'InventoryReserved', items: [['P1', 2]], notAfter: AT };
const unavailable: ReservationEvent = { type: 'InventoryUnavailable', shortages: orders.SHORTAGES };
const lowStock: StockEvent = { type: 'LowStockReached', available: 1, threshold: 2 };

describe('an event of the journal', () => {
  const published: readonly (readonly [Kind, JournalEvent, string])[] = [
    ['order', orders.created, 'order.created.v1'],
    ['order', orders.paymentPending, 'order.payment-pending.v1'],
    ['order', orders.confirmed, 'order.confirmed.v1'],
    ['order', orders.cancelRequested, 'order.cancellation-requested.v1'],
    ['order', orders.cancelDeclined, 'order.cancellation-requested.v1'],
    ['order', { type: 'OrderCancelled', code: 'requested', reason: 'r' }, 'order.cancelled.v1'],
    ['payment', payments.authorized, 'payment.authorized.v1'],
    ['payment', payments.captured, 'payment.captured.v1'],
    ['payment', payments.declined, 'payment.declined.v1'],
    ['payment', payments.voided, 'payment.voided.v1'],
    ['payment', payments.captureFailed, 'payment.capture-failed.v1'],
    ['payment', payments.refunded, 'payment.refunded.v1'],
    ['reservation', reserved, 'inventory.reserved.v1'],
    ['reservation', unavailable, 'inventory.unavailable.v1'],
    ['reservation', releasedFor('requested'), 'inventory.released.v1'],
    ['reservation', releasedFor('payment_declined'), 'inventory.released.v1'],
    ['reservation', releasedFor('payment_capture_failed'), 'inventory.released.v1'],
    ['reservation', releasedFor('expired'), 'inventory.expired.v1'],
    ['stock', lowStock, 'inventory.low-stock.v1'],
  ];
  for (const [kind, event, type] of published) {
    const reason = 'reason' in event && kind === 'reservation' ? ` (${event.reason})` : '';
    it(`${event.type}${reason} is published as ${type}, by its schema`, () => {
      const message = messageOf(kind, event);
      expect(message.routingKey).to.equal(type);
      verify(message);
    });
  }

  it('is public as each of the types that there are', () => {
    expect([...new Set(published.map(([, , type]) => type))]).to.have.members(PUBLIC_EVENTS.types);
  });

  it('is public or private by decision, whichever the codec knows', () => {
    for (const { kind, events, publicEvents } of ACTORS) {
      expect(Object.keys(publicEvents.events), kind).to.have.members(Object.keys(events));
      const ofKind = Object.entries(publicEvents.events);
      const publics = ofKind.filter(([, mapping]) => mapping !== 'private').map(([type]) => type);
      const proven = published.filter(([each]) => each === kind).map(([, { type }]) => type);
      expect([...new Set(proven)], kind).to.have.members(publics);
    }
  });

  const unheard: readonly (readonly [Kind, JournalEvent])[] = [
    ['order', orders.authorized],
    ['order', orders.unavailable],
    ['payment', payments.started],
    ['payment', payments.abandoned],
    ['reservation', releasedFor('unavailable')],
    ['stock', { type: 'StockSet', warehouseId: 'main', onHand: 1 }],
    ['stock', { type: 'StockHeld', holdId: 'res_1', quantity: 1, notAfter: AT }],
  ];
  for (const [kind, event] of unheard) {
    it(`${event.type}${event.type === 'InventoryReleased' ? ' of what was never held' : ''} makes no message`, () => {
      expect(MESSAGES.messageOf(journaled(kind, event))).to.equal(undefined);
    });
  }

  it('of a shard, or of a name that an object has by itself, makes none', () => {
    for (const type of ['EpochStarted', 'constructor', '__proto__', 'toString']) {
      const foreign = { ...journaled('order', orders.confirmed), entityId: 'shd_9', event: { type } };
      expect(MESSAGES.messageOf(foreign)).to.equal(undefined);
    }
  });
});

describe('a public message', () => {
  it('carries CloudEvents 1.0 headers and our own, in this order', () => {
    const { headers, ...rest } = messageOf('order', orders.confirmed);
    expect(Object.entries(headers)).to.deep.equal([
      ['cloudEvents_specversion', '1.0'],
      ['cloudEvents_id', 's9-e2-q1234-1'],
      ['cloudEvents_source', `urn:uuid:${TEST_DEPLOYMENT}`],
      ['cloudEvents_type', 'order.confirmed.v1'],
      ['cloudEvents_subject', `ord_${ID}`],
      ['cloudEvents_time', '2026-05-01T08:00:00.999Z'],
      ['cloudEvents_dataschema', 'urn:holdfast:schema:order.confirmed.v1'],
      ['entity-version', 5],
      ['shard', 9],
      ['shard-seq', '1234'],
      ['causation-id', 'http/1'],
    ]);
    expect(rest).to.deep.equal({
      routingKey: 'order.confirmed.v1',
      messageId: 's9-e2-q1234-1',
      correlationId: ID,
      timestampSeconds: Math.floor(AT / 1000),
      body: JSON.stringify({ orderId: ID }),
    });
  });

  it('carries the trace of its command, where it had one', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const traced = MESSAGES.messageOf({ ...journaled('order', orders.confirmed), traceparent });
    expect(traced?.headers).to.deep.equal({ ...messageOf('order', orders.confirmed).headers, traceparent });
  });

  it('is correlated by its order, and stands alone where it has none', () => {
    expect(messageOf('payment', payments.captured).correlationId).to.equal(ID);
    expect(messageOf('reservation', reserved).correlationId).to.equal(ID);
    expect(messageOf('stock', lowStock)).not.to.have.property('correlationId');
    expect(bodyOf('stock', lowStock)).to.deep.equal({ productId: 'P 1', available: 1, threshold: 2 });
  });

  it('says of a new order what was ordered, and neither where it goes nor how it is paid', () => {
    const details = { externalReference: 'x-1', placedAt: '2026-01-01T00:00:00Z' };
    const { body } = messageOf('order', { ...orders.created, ...details });
    expect(JSON.parse(body)).to.deep.equal({
      orderId: ID,
      customerId: 'alice',
      currency: 'GBP',
      totalAmount: { amount: orders.TOTAL, currency: 'GBP' },
      orderLines: [
        { productId: 'a', quantity: 2, unitPrice: { amount: 300, currency: 'GBP' } },
        { productId: 'b', quantity: 1, unitPrice: { amount: 250, currency: 'GBP' } },
        { productId: 'a', quantity: 3, unitPrice: { amount: 50, currency: 'GBP' } },
      ],
      confirmation: 'automatic',
      ...details,
      createdAt: '2026-05-01T08:00:00.999Z',
    });
    const { shippingAddress, paymentMethod, bodyHash } = orders.TERMS;
    for (const hidden of [shippingAddress.street, shippingAddress.postalCode, paymentMethod.token, bodyHash]) {
      expect(body).not.to.include(hidden);
    }
  });

  it('says why an order is cancelled, with what is known of it', () => {
    const code = 'insufficient_inventory';
    const event = { type: 'OrderCancelled', code, reason: 'r', details: { shortages: orders.SHORTAGES } } as const;
    expect(bodyOf('order', event)).to.deep.equal({
      orderId: ID,
      code,
      reason: 'r',
      details: { shortages: [{ productId: 'a', code, requested: 5, available: 1 }] },
    });
    expect(bodyOf('order', orders.cancelDeclined)).to.have.deep.property('details', { providerCode: 'no' });
    expect(bodyOf('order', orders.cancelRequested)).not.to.have.property('details');
  });

  it('of a payment has its amount and none of the references of the provider', () => {
    expect(bodyOf('payment', payments.voided)).to.deep.equal({
      paymentId: paymentEntity(ID),
      orderId: ID,
      amount: { amount: 500, currency: 'GBP' },
    });
    expect(bodyOf('payment', payments.declined)).to.include({ providerCode: 'card_declined' });
  });

  it('of a payment that was recorded without its sum leaves the amount out, and keeps to its schema', () => {
    const { authorized, captured, declined, voided, captureFailed, refunded } = payments;
    for (const event of [authorized, captured, declined, voided, captureFailed, refunded]) {
      for (const missing of [['currency'], ['amount', 'currency']]) {
        const old = Object.fromEntries(Object.entries(event).filter(([name]) => !missing.includes(name)));
        const message = messageOf('payment', old as unknown as JournalEvent);
        expect(JSON.parse(message.body)).not.to.have.property('amount');
        verify(message);
      }
    }
  });

  it('has a sample of every type, which keeps to its schema', () => {
    for (const event of PUBLIC_EVENTS.all) {
      const message = sampleMessageOf(PUBLIC_EVENTS, event);
      expect(message.routingKey).to.equal(event.routingKey);
      verify(message);
    }
  });
});

describe('the id of a public message', () => {
  const whole = fc.nat(1_000_000_000);
  const place = fc.record({ shard: whole, epoch: fc.integer({ min: 1 }), seq: fc.maxSafeNat(), ordinal: whole });
  const idAt = (where: Partial<JournaledEvent>): string => messageOf('order', orders.confirmed, where).messageId;

  it('is the same for the same event, whenever it is made', () => {
    fc.assert(
      fc.property(place, (where) => {
        const [one, again] = [journaled('order', orders.created, where), journaled('order', orders.created, where)];
        expect(MESSAGES.messageOf(one)).to.deep.equal(MESSAGES.messageOf(again));
      }),
    );
  });

  it('is another for another place in the journal', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const same = (['shard', 'epoch', 'seq', 'ordinal'] as const).every((name) => one[name] === other[name]);
        expect(idAt(one) === idAt(other)).to.equal(same);
      }),
    );
    const near = [
      { shard: 1, seq: 11 },
      { shard: 11, seq: 1 },
      { seq: 1, ordinal: 11 },
      { seq: 11, ordinal: 1 },
    ];
    expect(new Set(near.map(idAt)).size).to.equal(near.length);
  });
});
