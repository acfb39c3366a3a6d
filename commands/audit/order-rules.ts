/**
 * What must hold between an order, its payment and its reservation (invariant 6): every accepted order settles, and once
 * it has settled the three tell the same story. Pure.
 */
import { itemsOf, type PlacedOrder } from '../../actors/order/order.ts';
import type { PaymentState } from '../../actors/payment/payment.ts';
import type { ReservationState } from '../../actors/reservation/reservation.ts';
import { described, firstDifference } from '../support/first-difference.ts';

export interface BrokenOrderRule {
  readonly expected: string;
  readonly found: string;
}

/** The order, payment and reservation of one order id, where all three could be read. */
export interface OrderTriple {
  readonly order: PlacedOrder;
  readonly payment: PaymentState;
  readonly reservation: ReservationState;
}

/** Only for an order with nothing outstanding. */
export function brokenOrderRules(triple: OrderTriple): BrokenOrderRule[] {
  const { order } = triple;
  switch (order.status) {
    case 'Confirmed':
      return [...paymentIs(triple, 'Captured'), ...reservationIsHeld(triple)];
    case 'PaymentAuthorized':
      return [...paymentIs(triple, 'Authorized'), ...reservationIsHeld(triple)];
    case 'Cancelled':
      return cancelledLeavesNothing(triple);
    case 'Created':
    case 'PaymentPending':
    case 'CancellationPending':
      return []; // never settled
  }
}

function paymentIs({ order, payment }: OrderTriple, status: 'Captured' | 'Authorized'): BrokenOrderRule[] {
  const expected = `payment ${status} of ${order.total} ${order.terms.currency}, as the order is ${order.status}`;
  if (payment.status !== status) return [{ expected, found: `payment ${payment.status}` }];
  if (payment.amount === order.total && payment.currency === order.terms.currency) return [];
  return [{ expected, found: `payment ${status} of ${payment.amount} ${payment.currency}` }];
}

function reservationIsHeld({ order, reservation }: OrderTriple): BrokenOrderRule[] {
  if (reservation.status !== 'Held') {
    return [
      { expected: `reservation Held, as the order is ${order.status}`, found: `reservation ${reservation.status}` },
    ];
  }
  const difference = firstDifference(itemsOf(order.terms.lines), reservation.items, 'reserved items');
  return difference ? [described(difference)] : [];
}

function cancelledLeavesNothing({ order, payment, reservation }: OrderTriple): BrokenOrderRule[] {
  const broken: BrokenOrderRule[] = [];
  if (reservation.status !== 'Released') {
    broken.push({
      expected: 'reservation Released, as the order is Cancelled',
      found: `reservation ${reservation.status}`,
    });
  }
  const { status } = payment;
  if (status !== 'Absent' && status !== 'Declined' && status !== 'Voided' && status !== 'Refunded') {
    broken.push({ expected: 'payment Voided or Refunded, as the order is Cancelled', found: `payment ${status}` });
  } else if ((status === 'Refunded') !== (order.payment.status === 'Refunded')) {
    broken.push({ expected: `payment ${status}, as recorded`, found: `the order shows it as ${order.payment.status}` });
  }
  return broken;
}

/** True while holds of the reservation may be open or closed: it is being made, or being released. */
export function holdsAreMoving(order: PlacedOrder, reservation: ReservationState): boolean {
  if (order.status === 'Created') return reservation.status !== 'Held';
  return order.status === 'CancellationPending' && order.releasePending;
}
