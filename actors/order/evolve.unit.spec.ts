import { expect } from 'chai';
import { itFollowsOnly, NOW, specify } from '../../test/support/decider-specification.ts';
import { sendsOf } from '../../test/support/effects.ts';
import {
  authorized,
  cancelDeclined,
  captured,
  confirmed,
  created,
  declined,
  HISTORIES,
  HOLD_NOT_AFTER,
  ORDER_EVENTS,
  paymentPending,
  refunded,
  TERMS,
  TOTAL,
  TTL_MS,
  unavailable,
  cancelRequested,
  released,
  voided,
  type HistoryName,
} from '../../test/support/order-histories.ts';
import { InvariantViolation } from '../../kernel/invariant.ts';
import type { GatherAnswer, Send } from '../../kernel/decider.ts';
import { totalOf } from './evolve.ts';
import { orderDecider } from './decider.ts';
import {
  allowedTransitions,
  LINE_AMOUNT_MAX,
  ORDER_AMOUNT_MAX,
  releaseReasonOf,
  itemsOf,
  type CancellationCode,
  type OrderEvent,
  type PlacedOrder,
} from './order.ts';

const given = specify(orderDecider, 'ord_1');
const line = (productId: string, quantity: number, unitPrice: number) => ({ productId, quantity, unitPrice });

describe('Order refuses to fold what cannot have happened', () => {
  const compensations: Record<string, readonly OrderEvent['type'][]> = {
    stock: ['OrderInventoryReleased'],
    money: ['OrderPaymentVoided', 'OrderPaymentRefunded'],
  };
  const follows: Record<HistoryName, readonly OrderEvent['type'][]> = {
    Absent: ['OrderCreated'],
    Created: ['OrderPaymentPending', 'OrderInventoryUnavailable', 'OrderCancellationRequested'],
    'Created, within a refusal': ['OrderCancellationRequested'],
    PaymentPending: ['OrderPaymentAuthorized', 'OrderPaymentDeclined', 'OrderCancellationRequested'],
    'PaymentPending, within a decline': ['OrderCancellationRequested'],
    PaymentAuthorized: ['OrderConfirmed', 'OrderCancellationRequested'],
    'Confirmed, capturing': ['OrderPaymentCaptured', 'OrderPaymentCaptureFailed', 'OrderCancellationRequested'],
    'Confirmed, captured': ['OrderCancellationRequested'],
    'CancellationPending, stock and money': [...(compensations['stock'] ?? []), ...(compensations['money'] ?? [])],
    'CancellationPending, stock': compensations['stock'] ?? [],
    'CancellationPending, stock alone from the start': compensations['stock'] ?? [],
    'CancellationPending, money': compensations['money'] ?? [],
    'CancellationPending, nothing left': ['OrderCancelled'],
    Cancelled: [],
  };
  const rows = Object.entries(follows).map(([name, types]) => [name, HISTORIES[name as HistoryName], types] as const);
  itFollowsOnly(given, orderDecider.evolve, ORDER_EVENTS, rows);

  it('an unknown event', () => {
    for (const name of ['Absent', 'Created'] as const)
      given(...HISTORIES[name]).refusesToEvolve({ type: 'OrderLost' } as unknown as OrderEvent);
  });
  it('another amount than its total', () => {
    given(created, paymentPending).refusesToEvolve({ ...authorized, amount: TOTAL + 1 } as OrderEvent);
    given(...HISTORIES['Confirmed, capturing']).refusesToEvolve({ ...captured, amount: TOTAL - 1 } as OrderEvent);
    given(...HISTORIES['CancellationPending, money']).refusesToEvolve({ ...refunded, amount: 0 } as OrderEvent);
  });
});

describe('Order waits for', () => {
  const wants: Record<HistoryName, readonly string[]> = {
    Absent: [],
    Created: ['reserve -> res_1 durable'],
    'Created, within a refusal': ['reserve -> res_1 durable'],
    PaymentPending: ['authorize -> pay_1 settled'],
    'PaymentPending, within a decline': ['authorize -> pay_1 settled'],
    PaymentAuthorized: [],
    'Confirmed, capturing': ['capture -> pay_1 settled'],
    'Confirmed, captured': [],
    'CancellationPending, stock and money': ['release -> res_1 durable', 'reverse -> pay_1 settled'],
    'CancellationPending, stock': ['release -> res_1 durable'],
    'CancellationPending, stock alone from the start': ['release -> res_1 durable'],
    'CancellationPending, money': ['reverse -> pay_1 settled'],
    'CancellationPending, nothing left': [],
    Cancelled: [],
  };
  for (const [name, expected] of Object.entries(wants)) {
    it(`${expected.join(' and ') || 'nobody'} when ${name}`, () => {
      const { state } = given(...HISTORIES[name as HistoryName]);
      const sent = sendsOf(orderDecider.outstanding(state));
      expect(sent.map(({ key, to, until }) => `${key} -> ${to} ${until}`)).to.deep.equal(expected);
      expect(orderDecider.isAtRest(state)).to.equal(expected.length === 0);
    });
  }

  const effectsOf = (...history: OrderEvent[]): Send[] => sendsOf(orderDecider.outstanding(given(...history).state));
  const items = [
    ['a', 5],
    ['b', 1],
  ];
  it('each product once in reserve and release, and one notAfter for both', () => {
    expect(effectsOf(created)[0]?.command).to.deep.equal({ type: 'Reserve', items, notAfter: HOLD_NOT_AFTER });
    expect(effectsOf(created, cancelRequested)[0]?.command).to.deep.equal({
      type: 'ReleaseReservation',
      items,
      notAfter: HOLD_NOT_AFTER,
      reason: 'requested',
    });
  });
  it('the authorization of its total', () => {
    const { currency, paymentMethod: method } = TERMS;
    expect(effectsOf(created, paymentPending)[0]?.command).to.deep.equal({
      type: 'Authorize',
      amount: TOTAL,
      currency,
      method,
    });
  });
  it('no reversal after a decline: nothing is left of the payment', () => {
    expect(effectsOf(created, paymentPending, declined, cancelDeclined).map(({ key }) => key)).to.deep.equal([
      'release',
    ]);
  });
  it('the release of a refused reservation too: others of its holds may stand', () => {
    expect(effectsOf(created, unavailable, cancelRequested).map(({ key }) => key)).to.deep.equal(['release']);
  });

  it('its own command in every answer', () => {
    const value = { status: 'Held' };
    const answer: GatherAnswer = { kind: 'done', value };
    const conclude = (key: string) =>
      orderDecider.conclude({ kind: 'send', key, to: 'x', commandId: 'c', command: {}, until: 'durable' }, answer);
    expect(['reserve', 'authorize', 'capture', 'reverse'].map((key) => conclude(key))).to.deep.equal([
      { type: 'RecordReservation', outcome: value },
      { type: 'RecordAuthorization', outcome: value },
      { type: 'RecordCapture', outcome: value },
      { type: 'RecordReversal', outcome: value },
    ]);
    expect(conclude('release')).to.deep.equal({ type: 'RecordRelease' });
    expect(() => conclude('ship')).to.throw();
  });
});

describe('Order shows', () => {
  const shown = (...history: OrderEvent[]): PlacedOrder => given(...history).state as PlacedOrder;
  it('what of its money stands where', () => {
    const payment = (name: HistoryName) => (given(...HISTORIES[name]).state as PlacedOrder).payment;
    expect(payment('PaymentPending')).to.deep.equal({ status: 'Pending', authorized: 0, captured: 0, refunded: 0 });
    expect(payment('PaymentAuthorized')).to.deep.equal({
      status: 'Authorized',
      authorized: TOTAL,
      captured: 0,
      refunded: 0,
    });
    expect(payment('Confirmed, captured')).to.deep.equal({
      status: 'Captured',
      authorized: TOTAL,
      captured: TOTAL,
      refunded: 0,
    });
    expect(payment('Cancelled')).to.deep.equal({ status: 'Voided', authorized: TOTAL, captured: 0, refunded: 0 });
    expect(
      shown(created, paymentPending, authorized, confirmed, captured, cancelRequested, refunded).payment,
    ).to.deep.equal({ status: 'Refunded', authorized: TOTAL, captured: TOTAL, refunded: TOTAL });
  });
  it('a refund also of a capture that it had not heard of', () => {
    expect(shown(created, paymentPending, authorized, confirmed, cancelRequested, refunded).payment).to.include({
      captured: TOTAL,
      refunded: TOTAL,
    });
  });
  it('a refused reservation as refused, also after the rest went back; another as released', () => {
    expect(shown(created, unavailable, cancelRequested, released).reservation).to.deep.equal({ status: 'Refused' });
    expect(shown(created, paymentPending, cancelRequested, released, voided).reservation).to.deep.equal({
      status: 'Released',
    });
  });
  it('its deadline only while it waits for a person', () => {
    const deadlines = Object.entries(HISTORIES).map(
      ([name, history]) => [name, orderDecider.deadline(given(...history).state)] as const,
    );
    expect(deadlines.filter(([, deadline]) => deadline !== undefined)).to.deep.equal([
      ['PaymentAuthorized', NOW + TTL_MS],
    ]);
    for (const history of Object.values(HISTORIES)) {
      const { state } = given(...history);
      expect(orderDecider.onDeadline(state) !== undefined).to.equal(orderDecider.deadline(state) !== undefined);
    }
  });
  it('what a caller may ask for', () => {
    const allowed = (name: HistoryName) => allowedTransitions(given(...HISTORIES[name]).state as PlacedOrder);
    expect(allowed('PaymentAuthorized')).to.deep.equal(['Confirmed', 'Cancelled']);
    for (const name of ['Created', 'PaymentPending', 'Confirmed, captured'] as const)
      expect(allowed(name)).to.deep.equal(['Cancelled']);
    for (const name of ['CancellationPending, money', 'Cancelled'] as const) expect(allowed(name)).to.deep.equal([]);
  });
  it('when it was made and last changed', () => {
    const state = orderDecider.evolve(given(created).state, paymentPending, NOW + 7);
    expect(state).to.include({ createdAt: NOW, updatedAt: NOW + 7 });
  });

  it('an answer that later events do not change, and that JSON brings over whole', () => {
    const { state } = given(...HISTORIES['CancellationPending, stock and money']);
    const answer = orderDecider.answer(state, undefined);
    const before = JSON.stringify(answer);
    orderDecider.evolve(state, released, NOW);
    expect(JSON.stringify(answer)).to.equal(before);
    expect(JSON.parse(before)).to.deep.equal(answer);
  });
});

describe('Money of an order', () => {
  it('is the sum of its lines', () => expect(totalOf(TERMS.lines)).to.equal(TOTAL));
  it('may be nothing', () => expect(totalOf([line('a', 1, 0)])).to.equal(0));
  it('counts exactly to 2^53 - 1', () => {
    const most = [line('a', 1, ORDER_AMOUNT_MAX - LINE_AMOUNT_MAX), line('b', 1_000_000, LINE_AMOUNT_MAX / 1_000_000)];
    expect(totalOf(most)).to.equal(ORDER_AMOUNT_MAX);
    expect(() => totalOf([...most, line('c', 1, 1)])).to.throw(InvariantViolation);
  });
  for (const unitPrice of [NaN, Infinity]) {
    it(`is never ${unitPrice}`, () => expect(() => totalOf([line('a', 1, unitPrice)])).to.throw(InvariantViolation));
  }
});

describe('Items of an order', () => {
  it('name each product once, in the order of the lines', () => {
    expect(itemsOf([line('b', 1, 1), line('a', 2, 1), line('b', 3, 9)])).to.deep.equal([
      ['b', 4],
      ['a', 2],
    ]);
  });
  it('keep products apart whatever they are called', () => {
    expect(itemsOf([line('__proto__', 1, 1), line('A', 1, 1), line('a', 1, 1)])).to.have.lengthOf(3);
  });
});

describe('A release says why', () => {
  const reasons: Record<CancellationCode, string> = {
    insufficient_inventory: 'unavailable',
    payment_declined: 'payment_declined',
    payment_capture_failed: 'payment_capture_failed',
    reservation_expired: 'expired',
    requested: 'requested',
  };
  for (const [code, reason] of Object.entries(reasons)) {
    it(`${code}: ${reason}`, () => expect(releaseReasonOf(code as CancellationCode)).to.equal(reason));
  }
});
