/** What an order says to a command. Order of checks: existence, known order, product, status. */
import { invariant, unreachable } from '../../kernel/invariant.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { accepted, alreadyDone, rejected, type Decision } from '../../kernel/decider.ts';
import type { PaymentOutcome } from '../payment/payment.ts';
import type { ReservationOutcome } from '../reservation/reservation.ts';
import {
  allowedTransitions,
  type Cancellation,
  type OrderCommand,
  type OrderEvent,
  type OrderRefusal,
  type OrderState,
  type OrderStatus,
  type PlacedOrder,
} from './order.ts';

/**
 * A hold may be placed this long after the order was made. Longer, and stock would have to remember more closed holds
 * (one for each refused order of a sold-out product); shorter, and a short outage would cancel what it interrupted.
 */
export const HOLD_WINDOW_MS = 3_600_000;

type OrderDecision = Decision<OrderEvent, OrderRefusal>;

export function decideOrder(state: OrderState, command: OrderCommand, at: EpochMs): OrderDecision {
  if (command.type === 'PlaceOrder') {
    const { terms, unknownProducts } = command;
    if (state.status !== 'Absent') {
      return state.terms.bodyHash === terms.bodyHash ? alreadyDone : rejected({ code: 'idempotency_mismatch' });
    }
    if (unknownProducts.length > 0) return rejected({ code: 'unknown_product', productIds: unknownProducts });
    return accepted<OrderEvent>({ type: 'OrderCreated', holdNotAfter: at + HOLD_WINDOW_MS, ...terms });
  }
  // The shell binds the claim's fingerprint to the id (runtime/ask.ts); placing under it is then a mismatch.
  if (command.type === 'ClaimId')
    return state.status === 'Absent' ? alreadyDone : rejected({ code: 'idempotency_mismatch' });
  if (state.status === 'Absent') return rejected({ code: 'not_found' });
  switch (command.type) {
    case 'ConfirmOrder':
      if (state.status === 'Confirmed') return alreadyDone;
      if (state.status !== 'PaymentAuthorized') return illegal(state);
      // The timer that expires the order may be late: by a moment, or by an outage.
      if (state.confirmBy !== undefined && at >= state.confirmBy) return confirmationExpired(state, state.confirmBy);
      return accepted<OrderEvent>({ type: 'OrderConfirmed' });
    case 'CancelOrder':
      if (state.status === 'CancellationPending' || state.status === 'Cancelled') return alreadyDone;
      return cancel({ code: 'requested', reason: command.reason });
    case 'ExpireOrder':
      if (state.status !== 'PaymentAuthorized' || state.confirmBy === undefined || at < state.confirmBy)
        return alreadyDone;
      return cancel({ code: 'reservation_expired', reason: 'The order was not confirmed in time.' });
    case 'RecordReservation':
      return recordReservation(state, command.outcome);
    case 'RecordAuthorization':
      return recordAuthorization(state, command.outcome, at);
    case 'RecordCapture':
      return recordCapture(state, command.outcome);
    case 'RecordRelease':
      if (state.status !== 'CancellationPending' || !state.releasePending) return alreadyDone;
      return withCancelled({ type: 'OrderInventoryReleased' }, !state.reversalPending, state.cancellation);
    case 'RecordReversal':
      return recordReversal(state, command.outcome);
    default:
      return unreachable(command, 'order command');
  }
}

function recordReservation(state: PlacedOrder, outcome: ReservationOutcome): OrderDecision {
  if (state.status !== 'Created') return alreadyDone;
  if (outcome.status === 'Held') return accepted<OrderEvent>({ type: 'OrderPaymentPending' });
  const shortages = outcome.status === 'Refused' ? outcome.shortages : [];
  const tooLate = shortages.length > 0 && shortages.every(({ code }) => code === 'hold_too_late');
  return accepted<OrderEvent>(
    { type: 'OrderInventoryUnavailable' },
    {
      type: 'OrderCancellationRequested',
      code: tooLate ? 'reservation_expired' : 'insufficient_inventory',
      reason: tooLate ? 'The stock could not be reserved in time.' : 'Not enough stock for every line.',
      details: { shortages },
    },
  );
}

function recordAuthorization(state: PlacedOrder, outcome: PaymentOutcome, at: EpochMs): OrderDecision {
  if (state.status !== 'PaymentPending') return alreadyDone;
  if (outcome.status === 'Authorized') {
    const authorized = { type: 'OrderPaymentAuthorized', amount: outcome.authorized } as const;
    if (state.terms.confirmation === 'automatic') return accepted<OrderEvent>(authorized, { type: 'OrderConfirmed' });
    return accepted<OrderEvent>({ ...authorized, confirmBy: at + state.terms.reservationTtlMs });
  }
  // Anything else here would cancel the order without a reversal, and keep the customer's money.
  invariant(outcome.status === 'Declined', `an authorization ends as Authorized or Declined, not ${outcome.status}`);
  const code = outcome.code ?? 'declined';
  return cancelForPayment({ type: 'OrderPaymentDeclined', code }, 'payment_declined', 'The payment was declined.');
}

function recordCapture(state: PlacedOrder, outcome: PaymentOutcome): OrderDecision {
  if (state.status !== 'Confirmed' || state.captured) return alreadyDone;
  if (outcome.status === 'Captured')
    return accepted<OrderEvent>({ type: 'OrderPaymentCaptured', amount: outcome.captured });
  const code = outcome.code ?? 'refused';
  const reason = 'The payment could not be captured.';
  return cancelForPayment({ type: 'OrderPaymentCaptureFailed', code }, 'payment_capture_failed', reason);
}

/** Records what the provider refused, and cancels the order for it in the same row. */
function cancelForPayment(
  failure: Extract<OrderEvent, { type: 'OrderPaymentDeclined' | 'OrderPaymentCaptureFailed' }>,
  code: Cancellation['code'],
  reason: string,
): OrderDecision {
  const details = { providerCode: failure.code };
  return accepted<OrderEvent>(failure, { type: 'OrderCancellationRequested', code, reason, details });
}

function recordReversal(state: PlacedOrder, outcome: PaymentOutcome): OrderDecision {
  if (state.status !== 'CancellationPending' || !state.reversalPending) return alreadyDone;
  const { status } = outcome;
  const reversed = status === 'Refunded' || status === 'Voided' || status === 'Declined';
  invariant(reversed, `a reversal ends as Refunded, Voided or Declined, not ${status}`);
  const event: OrderEvent =
    outcome.status === 'Refunded'
      ? { type: 'OrderPaymentRefunded', amount: outcome.refunded }
      : { type: 'OrderPaymentVoided', authorized: outcome.authorized };
  return withCancelled(event, !state.releasePending, state.cancellation);
}

/** The last compensation ends the cancellation in the same row. */
function withCancelled(event: OrderEvent, last: boolean, cancellation: Cancellation): OrderDecision {
  return last ? accepted<OrderEvent>(event, { type: 'OrderCancelled', ...cancellation }) : accepted<OrderEvent>(event);
}

function cancel(cancellation: Cancellation): OrderDecision {
  return accepted<OrderEvent>({ type: 'OrderCancellationRequested', ...cancellation });
}

function illegal(state: PlacedOrder): OrderDecision {
  const allowed: readonly OrderStatus[] = allowedTransitions(state);
  return rejected({ code: 'illegal_transition', from: state.status, allowed });
}

/** All that is left to it is to be cancelled. */
function confirmationExpired(state: PlacedOrder, expiredAt: EpochMs): OrderDecision {
  const allowed = allowedTransitions(state).filter((status) => status !== 'Confirmed');
  return rejected({ code: 'illegal_transition', from: state.status, allowed, expiredAt });
}
