/**
 * Owns the form in which an order is shown. Never shows the payment method: its token buys things.
 */
import type { Origin } from '../../../runtime/ask.ts';
import { reservationEntity } from '../../reservation/reservation.ts';
import { paymentEntity } from '../../payment/payment.ts';
import { allowedTransitions, type PlacedOrder } from '../order.ts';
import { isoOf } from '../../../kernel/instant.ts';
import { orderNumberOf } from './order-number.ts';

/**
 * What is undefined in it leaves no trace in its JSON.
 *
 * @param version of the order that `state` is. @param shards of this installation; never changes.
 */
export function orderJson(
  state: PlacedOrder,
  version: number,
  origin: Origin,
  shards: number,
): Record<string, unknown> {
  const { orderId, terms, payment, reservation } = state;
  const { currency } = terms;
  return {
    orderId,
    orderNumber: orderNumberOf(origin, shards),
    customerId: terms.customerId,
    status: state.status,
    version,
    totalAmount: { amount: state.total, currency },
    orderLines: terms.lines.map(({ productId, quantity, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: { amount: unitPrice, currency },
    })),
    shippingAddress: terms.shippingAddress,
    payment: {
      paymentId: paymentEntity(orderId),
      status: payment.status,
      authorized: { amount: payment.authorized, currency },
      captured: { amount: payment.captured, currency },
      refunded: { amount: payment.refunded, currency },
    },
    reservation: {
      reservationId: reservationEntity(orderId),
      status: reservation.status,
      expiresAt: reservation.expiresAt === undefined ? null : isoOf(reservation.expiresAt),
    },
    shipments: [],
    returns: [],
    cancellation: 'cancellation' in state ? state.cancellation : undefined,
    createdAt: isoOf(state.createdAt),
    updatedAt: isoOf(state.updatedAt),
    allowedTransitions: allowedTransitions(state),
    externalReference: terms.externalReference,
    placedAt: terms.placedAt,
  };
}
