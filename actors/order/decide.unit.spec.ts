import { expect } from 'chai';
import { itDecides, NOW, specify } from '../../test/support/decider-specification.ts';
import {
  authorized,
  authorizedManual,
  created,
  createdManual,
  HISTORIES,
  HOLD_NOT_AFTER,
  paymentPending,
  SHORTAGES,
  TERMS,
  TOTAL,
  TTL_MS,
  type HistoryName,
} from '../../test/support/order-histories.ts';
import type { PaymentOutcome } from '../payment/payment.ts';
import { HOLD_WINDOW_MS } from './decide.ts';
import { orderDecider } from './decider.ts';
import type { OrderCommand } from './order.ts';

const given = specify(orderDecider, 'ord_1');
const place: OrderCommand = { type: 'PlaceOrder', terms: TERMS, unknownProducts: [] };
const money = (
  status: PaymentOutcome['status'],
  authorizedSum = 0,
  capturedSum = 0,
  refundedSum = 0,
): PaymentOutcome => ({
  status,
  authorized: authorizedSum,
  captured: capturedSum,
  refunded: refundedSum,
});
const authorizedNow: OrderCommand = { type: 'RecordAuthorization', outcome: money('Authorized', TOTAL) };
const declinedNow: OrderCommand = {
  type: 'RecordAuthorization',
  outcome: { ...money('Declined'), code: 'card_declined' },
};
const refusedNow = (code: 'insufficient_inventory' | 'hold_too_late'): OrderCommand => ({
  type: 'RecordReservation',
  outcome: { status: 'Refused', shortages: [{ productId: 'a', code, requested: 5 }] },
});

const commands = {
  PlaceOrder: place,
  ConfirmOrder: { type: 'ConfirmOrder' },
  CancelOrder: { type: 'CancelOrder', reason: 'r' },
  ExpireOrder: { type: 'ExpireOrder' },
  'RecordReservation Held': { type: 'RecordReservation', outcome: { status: 'Held' } },
  'RecordReservation Refused': { type: 'RecordReservation', outcome: { status: 'Refused', shortages: SHORTAGES } },
  'RecordAuthorization Authorized': authorizedNow,
  'RecordAuthorization Declined': declinedNow,
  'RecordCapture Captured': { type: 'RecordCapture', outcome: money('Captured', TOTAL, TOTAL) },
  'RecordCapture refused': { type: 'RecordCapture', outcome: { ...money('Authorized', TOTAL), code: 'no' } },
  RecordRelease: { type: 'RecordRelease' },
  'RecordReversal Voided': { type: 'RecordReversal', outcome: money('Voided', TOTAL) },
  'RecordReversal Declined': { type: 'RecordReversal', outcome: money('Declined') },
  'RecordReversal Refunded': { type: 'RecordReversal', outcome: money('Refunded', TOTAL, TOTAL, TOTAL) },
} as const satisfies Record<string, OrderCommand>;
type CommandName = keyof typeof commands;

const REQUEST = 'OrderCancellationRequested';
/** What a placed order says where its row of the table says nothing else. */
const PLACED = {
  ...(Object.fromEntries(Object.keys(commands).map((name) => [name, 'already_done'])) as Record<CommandName, string>),
  ConfirmOrder: 'illegal_transition',
  CancelOrder: REQUEST,
};
const STOCK_ALONE = { ...PLACED, CancelOrder: 'already_done', RecordRelease: 'OrderInventoryReleased OrderCancelled' };
const rows: Partial<Record<HistoryName, Record<CommandName, string>>> = {
  Absent: {
    ...(Object.fromEntries(Object.keys(commands).map((name) => [name, 'not_found'])) as Record<CommandName, string>),
    PlaceOrder: 'OrderCreated',
  },
  Created: {
    ...PLACED,
    'RecordReservation Held': 'OrderPaymentPending',
    'RecordReservation Refused': `OrderInventoryUnavailable ${REQUEST}`,
  },
  PaymentPending: {
    ...PLACED,
    'RecordAuthorization Authorized': 'OrderPaymentAuthorized OrderConfirmed',
    'RecordAuthorization Declined': `OrderPaymentDeclined ${REQUEST}`,
  },
  PaymentAuthorized: { ...PLACED, ConfirmOrder: 'OrderConfirmed' },
  'Confirmed, capturing': {
    ...PLACED,
    ConfirmOrder: 'already_done',
    'RecordCapture Captured': 'OrderPaymentCaptured',
    'RecordCapture refused': `OrderPaymentCaptureFailed ${REQUEST}`,
  },
  'Confirmed, captured': { ...PLACED, ConfirmOrder: 'already_done' },
  'CancellationPending, stock and money': {
    ...PLACED,
    CancelOrder: 'already_done',
    RecordRelease: 'OrderInventoryReleased',
    'RecordReversal Voided': 'OrderPaymentVoided',
    'RecordReversal Declined': 'OrderPaymentVoided',
    'RecordReversal Refunded': 'OrderPaymentRefunded',
  },
  'CancellationPending, stock': STOCK_ALONE,
  'CancellationPending, stock alone from the start': STOCK_ALONE,
  'CancellationPending, money': {
    ...PLACED,
    CancelOrder: 'already_done',
    'RecordReversal Voided': 'OrderPaymentVoided OrderCancelled',
    'RecordReversal Declined': 'OrderPaymentVoided OrderCancelled',
    'RecordReversal Refunded': 'OrderPaymentRefunded OrderCancelled',
  },
  Cancelled: { ...PLACED, CancelOrder: 'already_done' },
};

describe('Order decides', () => {
  itDecides(
    given,
    commands,
    Object.entries(rows).map(([name, outcomes]) => [name, HISTORIES[name as HistoryName], outcomes] as const),
  );
});

describe('PlaceOrder', () => {
  it('makes the order with all its terms, and gives its holds an hour', () => {
    expect(HOLD_NOT_AFTER).to.equal(NOW + HOLD_WINDOW_MS);
    given().when(place).accepts(created);
  });
  it('is refused with every product that is unknown', () => {
    given()
      .when({ ...place, unknownProducts: ['x', 'y'] })
      .rejects({ code: 'unknown_product', productIds: ['x', 'y'] });
  });
  it('recognises the order before it looks for products', () => {
    given(created)
      .when({ ...place, unknownProducts: ['a'] })
      .isAlreadyDone();
  });
  it('with another body is a mismatch, before it looks for products', () => {
    const other: OrderCommand = { ...place, terms: { ...TERMS, bodyHash: 'other' }, unknownProducts: ['x'] };
    for (const name of ['Created', 'Cancelled'] as const)
      given(...HISTORIES[name])
        .when(other)
        .rejects({ code: 'idempotency_mismatch' });
  });
});

describe('A cancellation', () => {
  const cancellation = (history: HistoryName, command: OrderCommand): unknown => {
    const { state } = given(...HISTORIES[history]).when(command);
    return 'cancellation' in state ? state.cancellation : undefined;
  };
  it('carries the words of the person who asked', () => {
    expect(cancellation('Created', { type: 'CancelOrder', reason: 'too slow' })).to.deep.equal({
      code: 'requested',
      reason: 'too slow',
    });
  });
  it('for want of stock names what was short', () => {
    expect(cancellation('Created', commands['RecordReservation Refused'])).to.deep.include({
      code: 'insufficient_inventory',
      details: { shortages: SHORTAGES },
    });
  });
  it('is an expiry where every hold came too late', () => {
    expect(cancellation('Created', refusedNow('hold_too_late'))).to.include({ code: 'reservation_expired' });
  });
  it('after a decline or a refused capture names the reason of the provider', () => {
    expect(cancellation('PaymentPending', declinedNow)).to.deep.include({
      code: 'payment_declined',
      details: { providerCode: 'card_declined' },
    });
    expect(cancellation('Confirmed, capturing', commands['RecordCapture refused'])).to.deep.include({
      code: 'payment_capture_failed',
      details: { providerCode: 'no' },
    });
  });
  it('ends with the words it began with, whatever compensation comes last', () => {
    for (const last of [commands.RecordRelease, commands['RecordReversal Refunded']]) {
      const history = last.type === 'RecordRelease' ? 'CancellationPending, stock' : 'CancellationPending, money';
      expect(cancellation(history, last)).to.deep.equal({ code: 'requested', reason: 'Changed my mind.' });
    }
  });
});

describe('A manual confirmation', () => {
  it('gets its whole time from the authorization on', () => {
    const at = NOW + 5_000;
    given(createdManual, paymentPending)
      .when(authorizedNow, { at })
      .accepts({ type: 'OrderPaymentAuthorized', amount: TOTAL, confirmBy: at + TTL_MS });
  });
  const waiting = [createdManual, paymentPending, authorizedManual];
  it('expires at its moment, not before', () => {
    given(...waiting)
      .when({ type: 'ExpireOrder' }, { at: NOW + TTL_MS - 1 })
      .isAlreadyDone();
    expect(given(...waiting).when({ type: 'ExpireOrder' }, { at: NOW + TTL_MS }).outcome).to.equal(REQUEST);
  });
  const lateBy = (ms: number) => given(...waiting).when({ type: 'ConfirmOrder' }, { at: NOW + TTL_MS + ms });
  it('is accepted up to its deadline', () => {
    expect(lateBy(-1).outcome).to.equal('OrderConfirmed');
  });
  for (const ms of [0, 1, 30, 3 * 3_600_000]) {
    it(`is refused ${ms} ms after its deadline, whether or not the timer has expired the order`, () => {
      const expiredAt = NOW + TTL_MS;
      lateBy(ms).rejects({ code: 'illegal_transition', from: 'PaymentAuthorized', allowed: ['Cancelled'], expiredAt });
    });
  }
  it('has no deadline where the order has none', () => {
    given(createdManual, paymentPending, authorized)
      .when({ type: 'ConfirmOrder' }, { at: NOW + 10 * TTL_MS })
      .accepts({ type: 'OrderConfirmed' });
  });
  for (const name of [
    'Created',
    'PaymentPending',
    'Confirmed, capturing',
    'Confirmed, captured',
    'Cancelled',
  ] as const) {
    it(`no longer, or not yet, expires when ${name}`, () => {
      given(...HISTORIES[name])
        .when({ type: 'ExpireOrder' }, { at: NOW + 10 * TTL_MS })
        .isAlreadyDone();
    });
  }
  it('is refused elsewhere with what is allowed there', () => {
    given(created)
      .when({ type: 'ConfirmOrder' })
      .rejects({ code: 'illegal_transition', from: 'Created', allowed: ['Cancelled'] });
    given(...HISTORIES.Cancelled)
      .when({ type: 'ConfirmOrder' })
      .rejects({ code: 'illegal_transition', from: 'Cancelled', allowed: [] });
  });
});

describe('An answer that cannot be', () => {
  for (const status of ['Absent', 'Authorizing', 'Capturing', 'Voiding', 'Voided'] as const) {
    it(`is no decline: ${status} after an authorization would keep the money`, () => {
      expect(() =>
        given(created, paymentPending).when({ type: 'RecordAuthorization', outcome: money(status) }),
      ).to.throw(status);
    });
  }
  for (const status of ['Absent', 'Authorized', 'Captured', 'Voiding', 'Refunding'] as const) {
    it(`is no reversal: ${status}`, () => {
      expect(() =>
        given(...HISTORIES['CancellationPending, money']).when({ type: 'RecordReversal', outcome: money(status) }),
      ).to.throw(status);
    });
  }
});
