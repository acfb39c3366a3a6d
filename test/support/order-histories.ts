/** An order in each of its states, by the events that lead there: for the tables of the order's tests. */
import type { OrderEvent, OrderTerms } from '../../actors/order/order.ts';
import { NOW } from './decider-specification.ts';

export const TTL_MS = 900_000;
export const HOLD_NOT_AFTER = NOW + 3_600_000;
/** 2 x 300 + 1 x 250 + 3 x 50. */
export const TOTAL = 1_000;

export const TERMS: OrderTerms = {
  customerId: 'alice',
  currency: 'GBP',
  lines: [
    { productId: 'a', quantity: 2, unitPrice: 300 },
    { productId: 'b', quantity: 1, unitPrice: 250 },
    { productId: 'a', quantity: 3, unitPrice: 50 },
  ],
  shippingAddress: { street: '1 High St', city: 'Leeds', state: '', postalCode: 'LS1', country: 'GB' },
  paymentMethod: { type: 'card', token: 'tok_visa' },
  confirmation: 'automatic',
  bodyHash: 'hash',
  reservationTtlMs: TTL_MS,
};

export const SHORTAGES = [{ productId: 'a', code: 'insufficient_inventory', requested: 5, available: 1 }] as const;

const requested = { code: 'requested', reason: 'Changed my mind.' } as const;
const declinedFor = {
  code: 'payment_declined',
  reason: 'The payment was declined.',
  details: { providerCode: 'no' },
} as const;

export const created: OrderEvent = { type: 'OrderCreated', holdNotAfter: HOLD_NOT_AFTER, ...TERMS };
export const createdManual: OrderEvent = { ...created, confirmation: 'manual' };
export const paymentPending: OrderEvent = { type: 'OrderPaymentPending' };
export const unavailable: OrderEvent = { type: 'OrderInventoryUnavailable' };
export const authorized: OrderEvent = { type: 'OrderPaymentAuthorized', amount: TOTAL };
export const authorizedManual: OrderEvent = { ...authorized, confirmBy: NOW + TTL_MS };
export const declined: OrderEvent = { type: 'OrderPaymentDeclined', code: 'no' };
export const confirmed: OrderEvent = { type: 'OrderConfirmed' };
export const captured: OrderEvent = { type: 'OrderPaymentCaptured', amount: TOTAL };
const captureFailed: OrderEvent = { type: 'OrderPaymentCaptureFailed', code: 'no' };
export const cancelRequested: OrderEvent = { type: 'OrderCancellationRequested', ...requested };
export const cancelDeclined: OrderEvent = { type: 'OrderCancellationRequested', ...declinedFor };
export const released: OrderEvent = { type: 'OrderInventoryReleased' };
export const voided: OrderEvent = { type: 'OrderPaymentVoided', authorized: TOTAL };
export const refunded: OrderEvent = { type: 'OrderPaymentRefunded', amount: TOTAL };
const cancelled: OrderEvent = { type: 'OrderCancelled', ...requested };

/** One of each type. */
export const ORDER_EVENTS: readonly OrderEvent[] = [
  created,
  paymentPending,
  unavailable,
  authorized,
  declined,
  confirmed,
  captured,
  captureFailed,
  cancelRequested,
  released,
  voided,
  refunded,
  cancelled,
];

const capturing = [created, paymentPending, authorized, confirmed];
const compensating = [...capturing, cancelRequested];

export const HISTORIES = {
  Absent: [],
  Created: [created],
  'Created, within a refusal': [created, unavailable],
  PaymentPending: [created, paymentPending],
  'PaymentPending, within a decline': [created, paymentPending, declined],
  PaymentAuthorized: [createdManual, paymentPending, authorizedManual],
  'Confirmed, capturing': capturing,
  'Confirmed, captured': [...capturing, captured],
  'CancellationPending, stock and money': compensating,
  'CancellationPending, stock': [...compensating, voided],
  'CancellationPending, stock alone from the start': [created, cancelRequested],
  'CancellationPending, money': [...compensating, released],
  'CancellationPending, nothing left': [...compensating, released, voided],
  Cancelled: [...compensating, released, voided, cancelled],
} as const satisfies Record<string, readonly OrderEvent[]>;
export type HistoryName = keyof typeof HISTORIES;
