/** The order as it follows from its events, and what it then waits for. The states are drawn in order.ts. */
import { invariant, unreachable } from '../../kernel/invariant.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { impossible, type Decider, type Effect, type GatherAnswer, type Send } from '../../kernel/decider.ts';
import { ORDER_AMOUNT_MAX } from '../../kernel/money.ts';
import { paymentEntity, type PaymentCommand, type PaymentOutcome } from '../payment/payment.ts';
import {
  reservationEntity,
  type ReservationCommand,
  type ReservationOutcome,
  type ReservedItem,
} from '../reservation/reservation.ts';
import { decideOrder } from './decide.ts';
import {
  releaseReasonOf,
  type OrderCommand,
  type OrderEvent,
  type OrderLine,
  type OrderRefusal,
  type OrderState,
  type PaymentSummary,
  type PlacedOrder,
  type ReservationSummary,
} from './order.ts';

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

/** The units wanted of each product, each product once, in the order of the lines. */
export function itemsOf(lines: readonly OrderLine[]): ReservedItem[] {
  const wanted = new Map<string, number>();
  for (const { productId, quantity } of lines) wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  return [...wanted];
}

function evolve(state: OrderState, event: OrderEvent, at: EpochMs): OrderState {
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
    case 'OrderCancellationRequested': {
      if (state.status === 'CancellationPending' || state.status === 'Cancelled') return refuse();
      const { code, reason, details } = event;
      return {
        ...placed(state, at, 'CancellationPending', state.payment, state.reservation),
        cancellation: { code, reason, ...(details && { details }) },
        releasePending: true,
        // Before PaymentPending no payment was ever asked for, and after a decline nothing is left of it.
        reversalPending: state.status !== 'Created' && state.payment.status !== 'Declined',
      };
    }
    case 'OrderInventoryReleased':
      if (state.status !== 'CancellationPending' || !state.releasePending) return refuse();
      return { ...state, updatedAt: at, releasePending: false, reservation: releasedOf(state.reservation) };
    case 'OrderPaymentVoided': {
      const { authorized } = event;
      if (state.status !== 'CancellationPending' || !state.reversalPending) return refuse();
      if (authorized !== 0 && authorized !== state.total) return refuse();
      return {
        ...state,
        updatedAt: at,
        reversalPending: false,
        payment: { ...NO_PAYMENT, status: 'Voided', authorized },
      };
    }
    case 'OrderPaymentRefunded':
      if (state.status !== 'CancellationPending' || !state.reversalPending || event.amount !== state.total)
        return refuse();
      return {
        ...state,
        updatedAt: at,
        reversalPending: false,
        payment: { status: 'Refunded', authorized: event.amount, captured: event.amount, refunded: event.amount },
      };
    case 'OrderCancelled': {
      if (state.status !== 'CancellationPending' || state.releasePending || state.reversalPending) return refuse();
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

function outstanding(state: OrderState): Send<PaymentCommand | ReservationCommand>[] {
  switch (state.status) {
    case 'Created':
      return [
        toReservation(state, { type: 'Reserve', items: itemsOf(state.terms.lines), notAfter: state.holdNotAfter }),
      ];
    case 'PaymentPending': {
      const { currency, paymentMethod } = state.terms;
      return [
        toPayment(state, 'authorize', { type: 'Authorize', amount: state.total, currency, method: paymentMethod }),
      ];
    }
    case 'Confirmed':
      return state.captured ? [] : [toPayment(state, 'capture', { type: 'Capture' })];
    case 'CancellationPending': {
      const effects = [];
      if (state.releasePending) {
        const reason = releaseReasonOf(state.cancellation.code);
        const items = itemsOf(state.terms.lines);
        effects.push(toReservation(state, { type: 'ReleaseReservation', items, notAfter: state.holdNotAfter, reason }));
      }
      if (state.reversalPending) effects.push(toPayment(state, 'reverse', { type: 'Reverse' }));
      return effects;
    }
    case 'Absent':
    case 'PaymentAuthorized':
    case 'Cancelled':
      return [];
    default:
      return unreachable(state, 'order state');
  }
}

/** Nothing is outstanding. Asked at each row of an order, so without making what would be. */
function isAtRest(state: OrderState): boolean {
  switch (state.status) {
    case 'Created':
    case 'PaymentPending':
      return false;
    case 'Confirmed':
      return state.captured;
    case 'CancellationPending':
      return !state.releasePending && !state.reversalPending;
    default:
      return true;
  }
}

function toReservation(state: PlacedOrder, command: ReservationCommand): Send<ReservationCommand> {
  const key = command.type === 'Reserve' ? 'reserve' : 'release';
  return {
    kind: 'send',
    key,
    to: reservationEntity(state.orderId),
    commandId: `order/${key}`,
    command,
    until: 'durable',
  };
}

/** The answer is wanted once the payment has no call open: then its status says how it ended. */
function toPayment(
  state: PlacedOrder,
  key: 'authorize' | 'capture' | 'reverse',
  command: PaymentCommand,
): Send<PaymentCommand> {
  return { kind: 'send', key, to: paymentEntity(state.orderId), commandId: `order/${key}`, command, until: 'settled' };
}

function conclude(effect: Effect, answer: GatherAnswer): OrderCommand {
  if (answer.kind === 'rejected') return impossible('order', effect.key, { type: `refused: ${answer.refusal.code}` });
  switch (effect.key) {
    case 'reserve':
      return { type: 'RecordReservation', outcome: answer.value as ReservationOutcome };
    case 'release':
      return { type: 'RecordRelease' };
    case 'authorize':
      return { type: 'RecordAuthorization', outcome: answer.value as PaymentOutcome };
    case 'capture':
      return { type: 'RecordCapture', outcome: answer.value as PaymentOutcome };
    case 'reverse':
      return { type: 'RecordReversal', outcome: answer.value as PaymentOutcome };
    default:
      return impossible('order', 'any state', { type: `an answer to ${effect.key}` });
  }
}

function deadline(state: OrderState): EpochMs | undefined {
  return state.status === 'PaymentAuthorized' ? state.confirmBy : undefined;
}

export const orderDecider: Decider<OrderState, OrderCommand, OrderEvent, OrderRefusal> = {
  kind: 'order',
  initial: (entityId) => ({ status: 'Absent', orderId: entityId.slice(4) }),
  decide: decideOrder,
  evolve,
  outstanding,
  conclude,
  deadline,
  onDeadline: (state) => (deadline(state) === undefined ? undefined : { type: 'ExpireOrder' }),
  isAtRest,
  /** The whole state: it is plain JSON and never changed. */
  answer: (state) => state,
  exists: (state) => state.status !== 'Absent',
};
