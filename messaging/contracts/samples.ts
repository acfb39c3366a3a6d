/**
 * Owns one example of every public event: the journal event that it is made of, in the story of an order. The messages
 * made of them are the golden samples in contracts/ and the examples of the AsyncAPI document.
 */
import { stockEntity } from '../../actors/stock/stock.ts';
import { reservationEntity } from '../../actors/reservation/reservation.ts';
import { paymentEntity } from '../../actors/payment/payment.ts';
import { orderEntity } from '../../actors/order/order.ts';
import type { JournalEvent } from './event-mapping.ts';
import { MessageOrigin } from './message-origin.ts';
import type { PublicEventType } from './public-events.ts';
import { APP_ID, CONTENT_TYPE, publicMessageOf, type Happened, type PublicMessage } from './public-message.ts';

const ORDER_ID = '019bbd7e-5c00-7a3e-9d4c-3f1a2b4c5d6e';
const AT = Date.UTC(2026, 0, 15, 12, 30, 15, 250);
const SHARD = 17;
const EPOCH = 3;
const SUM = { amount: 4_497, currency: 'EUR' } as const;
const SHORTAGES = [{ productId: 'SKU-2002', code: 'insufficient_inventory', requested: 1, available: 0 }] as const;

/** Of the examples: a deployment with a public address, in its first incarnation. */
const SAMPLE_ORIGIN = new MessageOrigin({
  deploymentId: 'b9f6c3f0-2a41-4d53-9a77-6f2f0f6f3c11',
  publicUrl: 'https://shop.example.com',
  incarnations: [{ number: 1, tag: '7c0e51b2', firstEpoch: 1, reason: 'the first start', beganAtMs: AT }],
});

/** Where an example stands: the entity, and the number of the row in its shard, by which time goes on. */
function happened(
  entityId: string,
  version: number,
  seq: number,
  commandId: string,
  event: JournalEvent,
  ordinal = 0,
): Happened {
  return { entityId, version, shard: SHARD, seq, epoch: EPOCH, ordinal, at: AT + seq * 10, commandId, event };
}

const order = orderEntity(ORDER_ID);
const payment = paymentEntity(ORDER_ID);
const reservation = reservationEntity(ORDER_ID);

export const SAMPLES: { readonly [Type in PublicEventType]: Happened } = {
  'order.created.v1': happened(order, 1, 101, 'place', {
    type: 'OrderCreated',
    holdNotAfter: AT + 3_600_000,
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
  }),
  'order.payment-pending.v1': happened(order, 2, 103, 'reserve@1', { type: 'OrderPaymentPending' }),
  'order.confirmed.v1': happened(order, 3, 106, 'authorize@2', { type: 'OrderConfirmed' }, 1),
  'order.cancellation-requested.v1': happened(
    order,
    2,
    203,
    'reserve@1',
    {
      type: 'OrderCancellationRequested',
      code: 'insufficient_inventory',
      reason: 'Not enough stock for every line.',
      details: { shortages: SHORTAGES },
    },
    1,
  ),
  'order.cancelled.v1': happened(
    order,
    4,
    307,
    'reverse@3',
    {
      type: 'OrderCancelled',
      code: 'payment_capture_failed',
      reason: 'The payment could not be captured.',
      details: { providerCode: 'insufficient_funds' },
    },
    1,
  ),
  'payment.authorized.v1': happened(payment, 2, 105, 'authorize@1', {
    type: 'PaymentAuthorized',
    authorizationId: '',
    ...SUM,
  }),
  'payment.captured.v1': happened(payment, 4, 109, 'capture@3', {
    type: 'PaymentCaptured',
    captureId: '',
    ...SUM,
  }),
  'payment.declined.v1': happened(payment, 2, 405, 'authorize@1', {
    type: 'PaymentDeclined',
    code: 'card_declined',
    ...SUM,
  }),
  'payment.voided.v1': happened(payment, 6, 306, 'void@5', { type: 'PaymentVoided', voidId: '', ...SUM }),
  'payment.capture-failed.v1': happened(payment, 4, 303, 'capture@3', {
    type: 'PaymentCaptureFailed',
    code: 'insufficient_funds',
    ...SUM,
  }),
  'payment.refunded.v1': happened(payment, 6, 506, 'refund@5', {
    type: 'PaymentRefunded',
    refundId: '',
    ...SUM,
  }),
  'inventory.reserved.v1': happened(reservation, 1, 102, 'order/reserve', {
    type: 'InventoryReserved',
    items: [
      ['SKU-1001', 2],
      ['SKU-2002', 1],
    ],
    notAfter: AT + 3_600_000,
  }),
  'inventory.unavailable.v1': happened(reservation, 1, 202, 'order/reserve', {
    type: 'InventoryUnavailable',
    shortages: SHORTAGES,
  }),
  'inventory.released.v1': happened(reservation, 2, 305, 'order/release', {
    type: 'InventoryReleased',
    reason: 'payment_capture_failed',
  }),
  'inventory.expired.v1': happened(reservation, 2, 605, 'order/release', {
    type: 'InventoryReleased',
    reason: 'expired',
  }),
  'inventory.low-stock.v1': happened(
    stockEntity('SKU-1001'),
    42,
    101,
    `${reservation}/hold`,
    { type: 'LowStockReached', available: 3, threshold: 5 },
    1,
  ),
};

/** @throws Error for an example that makes no message. */
export function sampleMessageOf(type: PublicEventType): PublicMessage {
  const message = publicMessageOf(SAMPLES[type], SAMPLE_ORIGIN);
  if (message === undefined) throw new Error(`the sample of ${type} is private`);
  return message;
}

/** A message as a consumer meets it, with AMQP's names. */
export function sampleDocument({
  routingKey,
  messageId,
  correlationId,
  timestampSeconds,
  headers,
  body,
}: PublicMessage) {
  return {
    routingKey,
    properties: {
      'message-id': messageId,
      ...(correlationId !== undefined && { 'correlation-id': correlationId }),
      type: routingKey,
      'content-type': CONTENT_TYPE,
      timestamp: timestampSeconds,
      'app-id': APP_ID,
      'delivery-mode': 2,
    },
    headers,
    body: JSON.parse(body) as unknown,
  };
}
