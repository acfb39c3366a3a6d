/** What an order wants of its reservation and its payment, step by step. The states are drawn in order.ts. */
import { step, type Step } from '../../kernel/step.ts';
import { paymentEntity, type PaymentCommand, type PaymentOutcome } from '../payment/payment.ts';
import { reservationEntity, type ReservationCommand, type ReservationOutcome } from '../reservation/reservation.ts';
import { itemsOf, releaseReasonOf, type OrderCommand, type OrderState } from './order.ts';

type At<Status extends OrderState['status']> = OrderState & { readonly status: Status };

const reservationOf = ({ orderId }: OrderState): string => reservationEntity(orderId);
const paymentOf = ({ orderId }: OrderState): string => paymentEntity(orderId);

const reserve = step({
  key: 'reserve',
  when: (state: OrderState): state is At<'Created'> => state.status === 'Created',
  to: reservationOf,
  command: ({ terms, holdNotAfter }): ReservationCommand => ({
    type: 'Reserve',
    items: itemsOf(terms.lines),
    notAfter: holdNotAfter,
  }),
  until: 'durable',
  conclude: (outcome: ReservationOutcome): OrderCommand => ({ type: 'RecordReservation', outcome }),
});

// The answers of a payment are wanted once it has no call open: then its status says how the call ended.

const authorize = step({
  key: 'authorize',
  when: (state: OrderState): state is At<'PaymentPending'> => state.status === 'PaymentPending',
  to: paymentOf,
  command: ({ total, terms }): PaymentCommand => ({
    type: 'Authorize',
    amount: total,
    currency: terms.currency,
    method: terms.paymentMethod,
  }),
  until: 'settled',
  conclude: (outcome: PaymentOutcome): OrderCommand => ({ type: 'RecordAuthorization', outcome }),
});

const capture = step({
  key: 'capture',
  when: (state: OrderState): state is At<'Confirmed'> => state.status === 'Confirmed' && !state.captured,
  to: paymentOf,
  command: (): PaymentCommand => ({ type: 'Capture' }),
  until: 'settled',
  conclude: (outcome: PaymentOutcome): OrderCommand => ({ type: 'RecordCapture', outcome }),
});

const release = step({
  key: 'release',
  when: (state: OrderState): state is At<'CancellationPending'> =>
    state.status === 'CancellationPending' && state.releasePending,
  to: reservationOf,
  command: ({ terms, holdNotAfter, cancellation }): ReservationCommand => ({
    type: 'ReleaseReservation',
    items: itemsOf(terms.lines),
    notAfter: holdNotAfter,
    reason: releaseReasonOf(cancellation.code),
  }),
  until: 'durable',
  conclude: (): OrderCommand => ({ type: 'RecordRelease' }),
});

const reverse = step({
  key: 'reverse',
  when: (state: OrderState): state is At<'CancellationPending'> =>
    state.status === 'CancellationPending' && state.reversalPending,
  to: paymentOf,
  command: (): PaymentCommand => ({ type: 'Reverse' }),
  until: 'settled',
  conclude: (outcome: PaymentOutcome): OrderCommand => ({ type: 'RecordReversal', outcome }),
});

export const orderSteps: readonly Step<OrderState, OrderCommand>[] = [reserve, authorize, capture, release, reverse];
