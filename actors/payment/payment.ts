/**
 * Payment: the money of one order at the provider. Every call is announced by an intent row with the provider's
 * idempotency key and a `notAfter`, made, and recorded; an in-doubt call is repeated under the same key until its
 * outcome is known (ARCHITECTURE.md section 5). A reversal that comes while a call is open waits for that call's end:
 * an abandoned intent is followed to its end, and a success is then voided or refunded.
 *
 * Keeps invariant 5: 0 <= refunded <= captured <= authorized; what is captured is never voided.
 *
 *   absent --AuthorizationStarted--> Authorizing --PaymentAuthorized--> Authorized --CaptureStarted--> Capturing
 *                                    Authorizing --PaymentDeclined--> Declined
 *   Capturing --PaymentCaptured--> Captured --RefundStarted--> Refunding --PaymentRefunded--> Refunded
 *   Capturing --PaymentCaptureFailed--> Authorized (uncapturable)
 *   Authorized --VoidStarted--> Voiding --PaymentVoided--> Voided
 *   absent --PaymentAbandoned--> Voided          (nothing was ever asked of the provider, and never will be)
 *   any open call --PaymentReversalRequested--> the same, `reversing`;   --CallRenewed--> the same, later notAfter
 */
import type { EpochMs } from '../../kernel/clock.ts';
import type { LAPSED, OutsideCall } from '../../kernel/decider.ts';

export const PAYMENT_PREFIX = 'pay_';
/** A payment carries the id of its order: both live in one shard. */
export const paymentEntity = (orderId: string): string => PAYMENT_PREFIX + orderId;

/** The name of the port to the provider. */
export const PROVIDER_PORT = 'provider';
/** A provider call starts only within this time of its intent; then the intent is renewed under the same key. */
export const CALL_WINDOW_MS = 10 * 60_000;

export interface PaymentMethod {
  readonly type: 'card' | 'paypal' | 'applepay' | 'invoice';
  readonly token: string;
}

export type ProviderStep = 'authorize' | 'capture' | 'void' | 'refund';

/** One call to the provider. The same key at every repetition: the provider charges once. */
export interface ProviderCall extends OutsideCall {
  readonly step: ProviderStep;
  readonly amount: number;
  readonly currency: string;
  readonly method: PaymentMethod;
  /** The provider's id of the authorization; absent in `authorize`. */
  readonly authorizationId?: string;
}

/** Voids and refunds are never refused for good. */
export type ProviderOutcome =
  | { readonly kind: 'approved'; readonly reference: string }
  | { readonly kind: 'refused'; readonly code: string }
  | typeof LAPSED;

export type PaymentCommand =
  | { readonly type: 'Authorize'; readonly amount: number; readonly currency: string; readonly method: PaymentMethod }
  | { readonly type: 'Capture' }
  | { readonly type: 'Reverse' }
  | { readonly type: 'RecordProviderOutcome'; readonly step: ProviderStep; readonly outcome: ProviderOutcome };

/**
 * What a call was about, in the event that ends it: a public message is made of that event alone. Rows from before the
 * first release may lack it, so nothing is decided by it.
 */
export interface PaymentSum {
  readonly amount: number;
  readonly currency: string;
}

export type PaymentEvent =
  | {
      readonly type: 'AuthorizationStarted';
      readonly amount: number;
      readonly currency: string;
      readonly method: PaymentMethod;
      readonly notAfter: EpochMs;
    }
  | ({ readonly type: 'PaymentAuthorized'; readonly authorizationId: string } & PaymentSum)
  | ({ readonly type: 'PaymentDeclined'; readonly code: string } & PaymentSum)
  | { readonly type: 'CaptureStarted'; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentCaptured'; readonly captureId: string } & PaymentSum)
  | ({ readonly type: 'PaymentCaptureFailed'; readonly code: string } & PaymentSum)
  | { readonly type: 'PaymentReversalRequested' }
  | { readonly type: 'PaymentAbandoned' }
  | { readonly type: 'VoidStarted'; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentVoided'; readonly voidId: string } & PaymentSum)
  | { readonly type: 'RefundStarted'; readonly amount: number; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentRefunded'; readonly refundId: string } & PaymentSum)
  | { readonly type: 'CallRenewed'; readonly step: ProviderStep; readonly notAfter: EpochMs };

export type PaymentRefusal = {
  readonly code: 'illegal_transition';
  readonly from: string;
  readonly allowed: readonly string[];
};

/** Once it was asked for. */
export interface KnownPayment {
  readonly paymentId: string;
  readonly amount: number;
  readonly currency: string;
  readonly method: PaymentMethod;
}
interface Approved extends KnownPayment {
  readonly authorizationId: string;
}
interface OpenCall {
  readonly notAfter: EpochMs;
}

export type PaymentState =
  | { readonly status: 'Absent'; readonly paymentId: string }
  | (KnownPayment & OpenCall & { readonly status: 'Authorizing'; readonly reversing: boolean })
  | (KnownPayment & { readonly status: 'Declined'; readonly code: string })
  | (Approved & { readonly status: 'Authorized'; readonly captureFailure?: string })
  | (Approved & OpenCall & { readonly status: 'Capturing'; readonly reversing: boolean })
  | (Approved & { readonly status: 'Captured' })
  | (Approved & OpenCall & { readonly status: 'Voiding'; readonly captureFailure?: string })
  | (Approved & OpenCall & { readonly status: 'Refunding' })
  | (Approved & { readonly status: 'Refunded' })
  | {
      readonly status: 'Voided';
      readonly paymentId: string;
      readonly authorized: number;
      readonly captureFailure?: string;
    };

export type PaymentWithOpenCall = Extract<PaymentState, OpenCall>;

/** What a payment answers its order: the status once no call is open, and the sums. */
export interface PaymentOutcome {
  readonly status:
    | 'Absent'
    | 'Authorizing'
    | 'Declined'
    | 'Authorized'
    | 'Capturing'
    | 'Captured'
    | 'Voiding'
    | 'Refunding'
    | 'Refunded'
    | 'Voided';
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
  /** Why it was declined, or could not be captured. */
  readonly code?: string;
}

/** The provider call that this state waits for. */
export function openCall(state: PaymentState): ProviderStep | undefined {
  switch (state.status) {
    case 'Authorizing':
      return 'authorize';
    case 'Capturing':
      return 'capture';
    case 'Voiding':
      return 'void';
    case 'Refunding':
      return 'refund';
    default:
      return undefined;
  }
}
