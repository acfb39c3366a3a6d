/** A payment in each of its states, by the events that lead there: for the tables of the payment's tests. */
import { CALL_WINDOW_MS, type PaymentEvent, type ProviderStep } from '../../actors/payment/payment.ts';
import { NOW } from './decider-specification.ts';

export const method = { type: 'card', token: 'tok_visa' } as const;
export const notAfter = NOW + CALL_WINDOW_MS;
const sum = { amount: 500, currency: 'GBP' } as const;

export const started: PaymentEvent = { type: 'AuthorizationStarted', ...sum, method, notAfter };
export const authorized: PaymentEvent = { type: 'PaymentAuthorized', authorizationId: 'auth', ...sum };
export const declined: PaymentEvent = { type: 'PaymentDeclined', code: 'card_declined', ...sum };
export const captureStarted: PaymentEvent = { type: 'CaptureStarted', notAfter };
export const captured: PaymentEvent = { type: 'PaymentCaptured', captureId: 'cap', ...sum };
export const captureFailed: PaymentEvent = { type: 'PaymentCaptureFailed', code: 'capture_refused', ...sum };
export const reversalRequested: PaymentEvent = { type: 'PaymentReversalRequested' };
export const abandoned: PaymentEvent = { type: 'PaymentAbandoned' };
export const voidStarted: PaymentEvent = { type: 'VoidStarted', notAfter };
export const voided: PaymentEvent = { type: 'PaymentVoided', voidId: 'void', ...sum };
export const refundStarted: PaymentEvent = { type: 'RefundStarted', amount: 500, notAfter };
export const refunded: PaymentEvent = { type: 'PaymentRefunded', refundId: 'ref', ...sum };
export const renewed = (step: ProviderStep): PaymentEvent => ({ type: 'CallRenewed', step, notAfter });

const authorizing = [started];
const standing = [started, authorized];
export const capturing = [...standing, captureStarted];
export const uncapturable = [...capturing, captureFailed];
export const paid = [...capturing, captured];
export const histories = {
  Absent: [],
  Authorizing: authorizing,
  'Authorizing, reversing': [...authorizing, reversalRequested],
  Declined: [started, declined],
  Authorized: standing,
  'Authorized, uncapturable': uncapturable,
  Capturing: capturing,
  'Capturing, reversing': [...capturing, reversalRequested],
  Captured: paid,
  Voiding: [...standing, voidStarted],
  Voided: [...standing, voidStarted, voided],
  'Voided, never asked for': [abandoned],
  Refunding: [...paid, refundStarted],
  Refunded: [...paid, refundStarted, refunded],
} as const satisfies Record<string, readonly PaymentEvent[]>;
export type PaymentHistoryName = keyof typeof histories;
