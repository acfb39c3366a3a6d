/** The order as it follows from its events. The states are drawn in order.ts. */
import { invariant } from '../../kernel/invariant.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { impossible } from '../../kernel/decider.ts';
import {
  ORDER_AMOUNT_MAX,
  type Cancellation,
  type OrderEvent,
  type OrderLine,
  type OrderState,
  type PaymentSummary,
  type PlacedOrder,
  type ReservationSummary,
} from './order.ts';

type CancellationPending = OrderState & { readonly status: 'CancellationPending' };

const NO_PAYMENT: PaymentSummary = { status: 'Pending', authorized: 0, captured: 0, refunded: 0 };
const HELD: ReservationSummary = { status: 'Held' };
const REFUSED: ReservationSummary = { status: 'Refused' };

/** Sum of the lines in minor units. @throws InvariantViolation beyond 2^53-1 (the edge refuses that first). */
export function totalOf(lines: readonly OrderLine[]): number {
  let total = 0;
  for (const { quantity, unitPrice } of lines) total += quantity * unitPrice;
  invariant(total <= ORDER_AMOUNT_MAX, 'an order amounts to at most 2^53-1 minor units');
  return total;
}

/** @throws CorruptionError for an event that can't follow this state. */
export function evolveOrder(state: OrderState, event: OrderEvent, at: EpochMs): OrderState {
  const refuse = (): never => impossible('order', state.status, event);
  if (event.type === 'OrderCreated') {
    if (state.status !== 'Absent') return refuse();
    const { type: _type, holdNotAfter, ...terms } = event;
    return {
      status: 'Created',
      orderId: state.orderId,
      terms,
      total: totalOf(terms.lines),
      holdNotAfter,
      payment: NO_PAYMENT,
      reservation: { status: 'Pending' },
      createdAt: at,
      updatedAt: at,
    };
  }
  if (state.status === 'Absent') return refuse();
  if (state.status === 'CancellationPending') return evolveCancellation(state, event, at);
  switch (event.type) {
    case 'OrderPaymentPending':
      if (state.status !== 'Created' || state.reservation.status === 'Refused') return refuse();
      return placed(state, at, 'PaymentPending', state.payment, HELD);
    case 'OrderInventoryUnavailable':
      if (state.status !== 'Created' || state.reservation.status === 'Refused') return refuse();
      return placed(state, at, 'Created', state.payment, REFUSED);
    case 'OrderPaymentAuthorized': {
      if (state.status !== 'PaymentPending' || state.payment.status === 'Declined' || event.amount !== state.total)
        return refuse();
      const { amount, confirmBy } = event;
      const payment: PaymentSummary = { status: 'Authorized', authorized: amount, captured: 0, refunded: 0 };
      if (confirmBy === undefined) return placed(state, at, 'PaymentAuthorized', payment, HELD);
      const reservation: ReservationSummary = { status: 'Held', expiresAt: confirmBy };
      return { ...placed(state, at, 'PaymentAuthorized', payment, reservation), confirmBy };
    }
    case 'OrderPaymentDeclined':
      if (state.status !== 'PaymentPending' || state.payment.status === 'Declined') return refuse();
      return placed(state, at, 'PaymentPending', { ...NO_PAYMENT, status: 'Declined' }, state.reservation);
    case 'OrderConfirmed':
      if (state.status !== 'PaymentAuthorized') return refuse();
      return confirmed(state, at, false, state.payment);
    case 'OrderPaymentCaptured': {
      if (state.status !== 'Confirmed' || state.captured || event.amount !== state.total) return refuse();
      const { authorized, refunded } = state.payment;
      return confirmed(state, at, true, { status: 'Captured', authorized, captured: event.amount, refunded });
    }
    case 'OrderPaymentCaptureFailed':
      if (state.status !== 'Confirmed' || state.captured) return refuse();
      return confirmed(state, at, false, state.payment);
    case 'OrderCancellationRequested':
      return state.status === 'Cancelled' ? refuse() : cancelling(state, event, at);
    default:
      return refuse();
  }
}

function cancelling(state: PlacedOrder, { code, reason, details }: Cancellation, at: EpochMs): PlacedOrder {
  return {
    ...placed(state, at, 'CancellationPending', state.payment, state.reservation),
    cancellation: { code, reason, ...(details && { details }) },
    releasePending: true,
    // Before PaymentPending no payment was ever asked for, and after a decline nothing is left of it.
    reversalPending: state.status !== 'Created' && state.payment.status !== 'Declined',
  };
}

/** While it is cancelled: its reservation is released and its payment reversed, in any order. */
function evolveCancellation(state: CancellationPending, event: OrderEvent, at: EpochMs): OrderState {
  const refuse = (): never => impossible('order', state.status, event);
  switch (event.type) {
    case 'OrderInventoryReleased':
      if (!state.releasePending) return refuse();
      return { ...state, updatedAt: at, releasePending: false, reservation: releasedOf(state.reservation) };
    case 'OrderPaymentVoided': {
      const { authorized } = event;
      if (!state.reversalPending || (authorized !== 0 && authorized !== state.total)) return refuse();
      const payment: PaymentSummary = { ...NO_PAYMENT, status: 'Voided', authorized };
      return { ...state, updatedAt: at, reversalPending: false, payment };
    }
    case 'OrderPaymentRefunded': {
      const { amount } = event;
      if (!state.reversalPending || amount !== state.total) return refuse();
      const payment: PaymentSummary = { status: 'Refunded', authorized: amount, captured: amount, refunded: amount };
      return { ...state, updatedAt: at, reversalPending: false, payment };
    }
    case 'OrderCancelled': {
      if (state.releasePending || state.reversalPending) return refuse();
      const { code, reason, details } = event;
      return {
        ...placed(state, at, 'Cancelled', state.payment, state.reservation),
        cancellation: { code, reason, ...(details && { details }) },
      };
    }
    default:
      return refuse();
  }
}

/** A refused reservation stays shown as refused, also when the part of it that was held has gone back. */
function releasedOf(reservation: ReservationSummary): ReservationSummary {
  return { status: reservation.status === 'Refused' ? 'Refused' : 'Released' };
}

/** What every status shares. Written out: to spread a state and add to it costs fifty times as much. */
function placed<Status extends PlacedOrder['status']>(
  { orderId, terms, total, holdNotAfter, createdAt }: PlacedOrder,
  updatedAt: EpochMs,
  status: Status,
  payment: PaymentSummary,
  reservation: ReservationSummary,
) {
  return { status, orderId, terms, total, holdNotAfter, payment, reservation, createdAt, updatedAt };
}

function confirmed(
  { orderId, terms, total, holdNotAfter, createdAt }: PlacedOrder,
  updatedAt: EpochMs,
  captured: boolean,
  payment: PaymentSummary,
): PlacedOrder {
  const status = 'Confirmed';
  return { status, orderId, terms, total, holdNotAfter, payment, reservation: HELD, createdAt, updatedAt, captured };
}
