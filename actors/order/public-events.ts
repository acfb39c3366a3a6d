/**
 * Owns the public events of orders. Addresses and the payment method are in none of them, and must not come into one:
 * personal data stay behind the API, where access is checked, and a message can't be called back.
 *
 * The events of shipments (order.shipped, order.delivered, order.completed) come with the journal events that they are
 * made of.
 */
import { z } from 'zod';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { isoOf } from '../../kernel/instant.ts';
import { money as moneyOf } from '../../kernel/money.ts';
import { PRIVATE, published, type PublicEvents } from '../../messaging/contracts/public-event-definition.ts';
import {
  instant,
  money,
  orderId,
  productId,
  providerCode,
  publicShortages,
  quantity,
  SAMPLE_ORDER_ID,
  SAMPLE_SHORTAGES,
  shortages,
} from '../public-fields.ts';
import { totalOf } from './evolve.ts';
import { orderEntity, type Cancellation, type OrderEvent } from './order.ts';

const orderCreated = z.strictObject({
  orderId,
  customerId: z.string().meta({ description: 'Whose order it is: the name that the identity provider gives' }),
  currency: z.string().meta({ description: 'ISO 4217: an order has one currency' }),
  totalAmount: money('Sum of the lines'),
  orderLines: z
    .array(z.strictObject({ productId, quantity, unitPrice: money('Of one unit') }))
    .min(1)
    .meta({ description: 'As they were ordered; a product may be on several' }),
  confirmation: z
    .enum(['automatic', 'manual'])
    .meta({ description: 'Whether the order is confirmed by itself or by a person, once its payment is authorized' }),
  externalReference: z.string().optional().meta({ description: "The order's name in the system it came from" }),
  placedAt: z.string().optional().meta({ description: "An import's own time, ISO 8601 as it was sent" }),
  createdAt: instant('When the order was accepted'),
});

const orderAlone = z.strictObject({ orderId });

const cancellation = z.strictObject({
  orderId,
  code: z
    .enum(['insufficient_inventory', 'payment_declined', 'payment_capture_failed', 'reservation_expired', 'requested'])
    .meta({ description: 'Why; `requested`: a person asked for it' }),
  reason: z.string().meta({ description: 'For people; where it was requested, in the words of who did' }),
  // One object with optional members, not a union: a further kind of detail is then no breaking change.
  details: z
    .strictObject({ shortages: shortages.optional(), providerCode: providerCode.optional() })
    .optional()
    .meta({ description: 'What is known beyond the code' }),
});

const sampleOrder = orderEntity(SAMPLE_ORDER_ID);

export const orderPublicEvents: PublicEvents<OrderEvent> = {
  correlationId: 'routing key',
  events: {
    OrderCreated: published('order.created.v1', {
      when: 'An order was accepted.',
      schema: orderCreated,
      data: ({ customerId, currency, lines, confirmation, externalReference, placedAt }, entityId, at) => ({
        orderId: routingKeyOf(entityId),
        customerId,
        currency,
        totalAmount: moneyOf(totalOf(lines), currency),
        orderLines: lines.map((line) => ({
          productId: line.productId,
          quantity: line.quantity,
          unitPrice: moneyOf(line.unitPrice, currency),
        })),
        confirmation,
        ...(externalReference !== undefined && { externalReference }),
        ...(placedAt !== undefined && { placedAt }),
        createdAt: isoOf(at),
      }),
      sample: {
        ...{ entityId: sampleOrder, version: 1, seq: 101, commandId: 'place' },
        event: {
          type: 'OrderCreated',
          holdNotAfter: 0,
          customerId: 'customer-7',
          currency: 'EUR',
          lines: [
            { productId: 'SKU-1001', quantity: 2, unitPrice: 1_999 },
            { productId: 'SKU-2002', quantity: 1, unitPrice: 499 },
          ],
          shippingAddress: { street: '', city: '', state: '', postalCode: '', country: '' },
          paymentMethod: { type: 'card', token: '' },
          confirmation: 'automatic',
          externalReference: 'shop-4711',
          placedAt: '2026-01-15T13:29:58+01:00',
          bodyHash: '',
          reservationTtlMs: 900_000,
        },
      },
    }),
    OrderPaymentPending: published('order.payment-pending.v1', {
      when: "All of the order's stock is reserved; its payment is being authorized.",
      schema: orderAlone,
      data: orderOf,
      sample: {
        ...{ entityId: sampleOrder, version: 2, seq: 103, commandId: 'reserve@1' },
        event: { type: 'OrderPaymentPending' },
      },
    }),
    OrderConfirmed: published('order.confirmed.v1', {
      when: 'The payment is authorized and the order is confirmed, by itself or by a person; its payment is being captured.',
      schema: orderAlone,
      data: orderOf,
      sample: {
        ...{ entityId: sampleOrder, version: 3, seq: 106, commandId: 'authorize@2', ordinal: 1 },
        event: { type: 'OrderConfirmed' },
      },
    }),
    OrderCancellationRequested: published('order.cancellation-requested.v1', {
      when: 'The order will be cancelled, whatever happens: its stock and its payment are being given back.',
      schema: cancellation,
      data: cancellationOf,
      sample: {
        ...{ entityId: sampleOrder, version: 2, seq: 203, commandId: 'reserve@1', ordinal: 1 },
        event: {
          type: 'OrderCancellationRequested',
          code: 'insufficient_inventory',
          reason: 'Not enough stock for every line.',
          details: { shortages: SAMPLE_SHORTAGES },
        },
      },
    }),
    OrderCancelled: published('order.cancelled.v1', {
      when: 'The order is cancelled and nothing of it is left to undo.',
      schema: cancellation,
      data: cancellationOf,
      sample: {
        ...{ entityId: sampleOrder, version: 4, seq: 307, commandId: 'reverse@3', ordinal: 1 },
        event: {
          type: 'OrderCancelled',
          code: 'payment_capture_failed',
          reason: 'The payment could not be captured.',
          details: { providerCode: 'insufficient_funds' },
        },
      },
    }),
    // The order's own record of what its reservation and payment publish themselves.
    OrderInventoryUnavailable: PRIVATE,
    OrderInventoryReleased: PRIVATE,
    OrderPaymentAuthorized: PRIVATE,
    OrderPaymentDeclined: PRIVATE,
    OrderPaymentCaptured: PRIVATE,
    OrderPaymentCaptureFailed: PRIVATE,
    OrderPaymentVoided: PRIVATE,
    OrderPaymentRefunded: PRIVATE,
  },
};

function orderOf(_event: unknown, entityId: string): z.output<typeof orderAlone> {
  return { orderId: routingKeyOf(entityId) };
}

function cancellationOf({ code, reason, details }: Cancellation, entityId: string): z.output<typeof cancellation> {
  const id = routingKeyOf(entityId);
  if (details === undefined) return { orderId: id, code, reason };
  const known =
    'shortages' in details ? { shortages: publicShortages(details.shortages) } : { providerCode: details.providerCode };
  return { orderId: id, code, reason, details: known };
}
