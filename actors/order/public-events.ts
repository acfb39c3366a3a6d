/**
 * Owns the data of the public events of orders. Addresses and the payment method are in none of them, and must not come
 * into one: personal data stay behind the API, where access is checked, and a message can't be called back.
 */
import { z } from 'zod';
import {
  instant,
  money,
  orderId,
  productId,
  providerCode,
  quantity,
  shortages,
} from '../../messaging/contracts/public-fields.ts';

export const orderCreated = z.strictObject({
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

export const orderPaymentPending = z.strictObject({ orderId });

export const orderConfirmed = z.strictObject({ orderId });

const cancellation = {
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
};

export const orderCancellationRequested = z.strictObject(cancellation);

export const orderCancelled = z.strictObject(cancellation);
