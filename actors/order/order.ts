/**
 * Order: the process manager of its reservation and payment, and the only one that decides about time. It records
 * every shown change of both as its own event, so that a read needs this entity alone.
 *
 *   (absent) --OrderCreated--> Created --OrderPaymentPending--> PaymentPending --OrderPaymentAuthorized--> PaymentAuthorized
 *   PaymentAuthorized --OrderConfirmed--> Confirmed (--OrderPaymentCaptured--> Confirmed, settled)
 *   any of these --OrderCancellationRequested--> CancellationPending --OrderCancelled--> Cancelled
 *   A refusal (OrderInventoryUnavailable, OrderPaymentDeclined, OrderPaymentCaptureFailed) and the request it causes are
 *   one row.
 *   Confirmed -> Processing -> Shipped -> Delivered -> Completed are statuses of the contract; nothing leads there yet.
 *
 * With automatic confirmation PaymentAuthorized and Confirmed are one decision. The deadline runs only in
 * PaymentAuthorized, while the order waits for a person; never while it waits for a provider.
 *
 * Settled = nothing outstanding, not a status: a Confirmed order whose capture is not recorded is unsettled.
 */
import type { EpochMs } from '../../kernel/clock.ts';
import type { PaymentMethod, PaymentOutcome } from '../payment/payment.ts';
import type { ReleaseReason, ReservationOutcome, ReservedItem, Shortage } from '../reservation/reservation.ts';

export const ORDER_PREFIX = 'ord_';
export const orderEntity = (orderId: string): string => ORDER_PREFIX + orderId;

/** The largest amount of one line: 10^12 minor units. */
export const LINE_AMOUNT_MAX = 1_000_000_000_000;
/** The largest amount of one order: what a double still counts exactly. */
export const ORDER_AMOUNT_MAX = Number.MAX_SAFE_INTEGER;

export type OrderStatus =
  | 'Created'
  | 'PaymentPending'
  | 'PaymentAuthorized'
  | 'Confirmed'
  | 'Processing'
  | 'Shipped'
  | 'Delivered'
  | 'Completed'
  | 'CancellationPending'
  | 'Cancelled';

export const ORDER_STATUSES: readonly OrderStatus[] = [
  'Created',
  'PaymentPending',
  'PaymentAuthorized',
  'Confirmed',
  'Processing',
  'Shipped',
  'Delivered',
  'Completed',
  'CancellationPending',
  'Cancelled',
];

export interface OrderLine {
  readonly productId: string;
  readonly quantity: number;
  /** Minor units of the order's currency. */
  readonly unitPrice: number;
}

export interface Address {
  readonly street: string;
  readonly city: string;
  readonly state: string;
  readonly postalCode: string;
  readonly country: string;
}

/** What was ordered: fixed when the order is placed. */
export interface OrderTerms {
  readonly customerId: string;
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  readonly shippingAddress: Address;
  /** Absent: the same as the shipping address. */
  readonly billingAddress?: Address;
  readonly paymentMethod: PaymentMethod;
  readonly confirmation: 'automatic' | 'manual';
  readonly externalReference?: string;
  /** An import's own time, ISO 8601 as it was sent. */
  readonly placedAt?: string;
  /** Hash of the canonical body: the same key with another body is refused. */
  readonly bodyHash: string;
  /** How long a person may take to confirm. */
  readonly reservationTtlMs: number;
}

export type CancellationCode =
  'insufficient_inventory' | 'payment_declined' | 'payment_capture_failed' | 'reservation_expired' | 'requested';

export interface Cancellation {
  readonly code: CancellationCode;
  readonly reason: string;
  readonly details?: CancellationDetails;
}
export type CancellationDetails = { readonly shortages: readonly Shortage[] } | { readonly providerCode: string };

export type OrderCommand =
  /** `unknownProducts` was looked up by the edge; it is judged after the known order. */
  | { readonly type: 'PlaceOrder'; readonly terms: OrderTerms; readonly unknownProducts: readonly string[] }
  | { readonly type: 'ConfirmOrder' }
  /** The id of this order is made of a key that was used for something else: no order must ever be placed under it. */
  | { readonly type: 'ClaimId' }
  | { readonly type: 'CancelOrder'; readonly reason: string }
  | { readonly type: 'ExpireOrder' }
  | { readonly type: 'RecordReservation'; readonly outcome: ReservationOutcome }
  | { readonly type: 'RecordAuthorization'; readonly outcome: PaymentOutcome }
  | { readonly type: 'RecordCapture'; readonly outcome: PaymentOutcome }
  | { readonly type: 'RecordRelease' }
  | { readonly type: 'RecordReversal'; readonly outcome: PaymentOutcome };

export type OrderEvent =
  | ({ readonly type: 'OrderCreated'; readonly holdNotAfter: EpochMs } & OrderTerms)
  /** The reservation is held. */
  | { readonly type: 'OrderPaymentPending' }
  | { readonly type: 'OrderInventoryUnavailable' }
  | { readonly type: 'OrderPaymentAuthorized'; readonly amount: number; readonly confirmBy?: EpochMs }
  | { readonly type: 'OrderPaymentDeclined'; readonly code: string }
  | { readonly type: 'OrderConfirmed' }
  | { readonly type: 'OrderPaymentCaptured'; readonly amount: number }
  | { readonly type: 'OrderPaymentCaptureFailed'; readonly code: string }
  | ({ readonly type: 'OrderCancellationRequested' } & Cancellation)
  | { readonly type: 'OrderInventoryReleased' }
  /** `authorized`: what the provider had authorized before, 0 when nothing. */
  | { readonly type: 'OrderPaymentVoided'; readonly authorized: number }
  | { readonly type: 'OrderPaymentRefunded'; readonly amount: number }
  | ({ readonly type: 'OrderCancelled' } & Cancellation);

export type OrderRefusal =
  | { readonly code: 'not_found' }
  | { readonly code: 'idempotency_mismatch' }
  | { readonly code: 'unknown_product'; readonly productIds: readonly string[] }
  | {
      readonly code: 'illegal_transition';
      readonly from: OrderStatus;
      readonly allowed: readonly OrderStatus[];
      /** The time to confirm ended then: the status alone would permit it. */
      readonly expiredAt?: EpochMs;
    };

/** As the order shows them; `Pending` until the first outcome is recorded. */
export interface PaymentSummary {
  readonly status: 'Pending' | 'Authorized' | 'Captured' | 'Declined' | 'Voided' | 'Refunded';
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
}
export interface ReservationSummary {
  readonly status: 'Pending' | 'Held' | 'Refused' | 'Released';
  readonly expiresAt?: EpochMs;
}

interface Placed {
  readonly orderId: string;
  readonly terms: OrderTerms;
  readonly total: number;
  readonly holdNotAfter: EpochMs;
  readonly payment: PaymentSummary;
  readonly reservation: ReservationSummary;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
}

export type PlacedOrder =
  | (Placed & { readonly status: 'Created' | 'PaymentPending' })
  /** `confirmBy`: with manual confirmation, when the person's time runs out. */
  | (Placed & { readonly status: 'PaymentAuthorized'; readonly confirmBy?: EpochMs })
  | (Placed & { readonly status: 'Confirmed'; readonly captured: boolean })
  | (Placed & {
      readonly status: 'CancellationPending';
      readonly cancellation: Cancellation;
      readonly releasePending: boolean;
      readonly reversalPending: boolean;
    })
  | (Placed & { readonly status: 'Cancelled'; readonly cancellation: Cancellation });

export type OrderState = { readonly status: 'Absent'; readonly orderId: string } | PlacedOrder;

/** The statuses that a caller may ask for now. */
export function allowedTransitions(state: PlacedOrder): OrderStatus[] {
  switch (state.status) {
    case 'Created':
    case 'PaymentPending':
    case 'Confirmed':
      return ['Cancelled'];
    case 'PaymentAuthorized':
      return ['Confirmed', 'Cancelled'];
    case 'CancellationPending':
    case 'Cancelled':
      return [];
  }
}

/** Why a reservation is released when the order is cancelled. */
export function releaseReasonOf(code: CancellationCode): ReleaseReason {
  switch (code) {
    case 'reservation_expired':
      return 'expired';
    case 'payment_declined':
    case 'payment_capture_failed':
      return code;
    case 'insufficient_inventory':
      return 'unavailable';
    case 'requested':
      return code;
  }
}

/** The units wanted of each product, each product once, in the order of the lines. */
export function itemsOf(lines: readonly OrderLine[]): ReservedItem[] {
  const wanted = new Map<string, number>();
  for (const { productId, quantity } of lines) wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  return [...wanted];
}
