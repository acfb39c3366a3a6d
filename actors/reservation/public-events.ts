/** Owns the data of the public events of reservations and stock. */
import { z } from 'zod';
import { orderId, productId, quantity, reservationId, shortages } from '../../messaging/contracts/public-fields.ts';

export const inventoryReserved = z.strictObject({
  reservationId,
  orderId,
  items: z
    .array(z.strictObject({ productId, quantity }))
    .min(1)
    .meta({ description: 'What is held, each product once' }),
});

export const inventoryUnavailable = z.strictObject({ reservationId, orderId, shortages });

export const inventoryReleased = z.strictObject({
  reservationId,
  orderId,
  reason: z
    .enum(['requested', 'payment_declined', 'payment_capture_failed'])
    .meta({ description: 'Why the order was cancelled' }),
});

export const inventoryExpired = z.strictObject({ reservationId, orderId });

export const inventoryLowStock = z.strictObject({
  productId,
  available: z.int().min(0).meta({ description: 'Units over all warehouses that no order holds' }),
  threshold: z.int().min(0).meta({ description: 'The level that was set for this product' }),
});
