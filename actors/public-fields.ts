/**
 * Owns the parts that the data of several kinds' public events share. No schema here has an id: OpenAPI lists every
 * schema that has one, and these belong to the messages.
 */
import { z } from 'zod';
import type { Shortage } from './reservation/reservation.ts';

/** An order may amount to more than one of its lines: up to what a double counts exactly. */
export function money(description: string) {
  return z
    .strictObject({
      amount: z.int().min(0).meta({ description: 'Minor units of the currency: 1999 is 19.99 in EUR' }),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .meta({ description: 'ISO 4217, upper case' }),
    })
    .meta({ description });
}

export const orderId = z.uuid().meta({ description: 'The order, as the API names it' });
export const paymentId = z.string().meta({ description: "The order's payment, as the API names it" });
export const reservationId = z.string().meta({ description: "The order's reservation, as the API names it" });
export const productId = z.string().meta({ description: 'The product, as it was named when its stock was set' });
export const quantity = z.int().min(1).meta({ description: 'Units' });
export const instant = (description: string) => z.iso.datetime().meta({ description: `${description}; UTC` });

export const providerCode = z.string().meta({ description: "The payment provider's own word for why it refused" });

export const shortages = z
  .array(
    z.strictObject({
      productId,
      code: z.enum(['insufficient_inventory', 'unknown_product', 'hold_too_late', 'hold_barred']).meta({
        description:
          'Too few units; no such product; the order waited too long for its stock; it was cancelled meanwhile',
      }),
      requested: quantity,
      available: z.int().min(0).optional().meta({ description: 'Units that were there; only for too few' }),
    }),
  )
  .meta({ description: 'Products that could not be reserved; of very many only the first' });

export function publicShortages(known: readonly Shortage[]): z.output<typeof shortages> {
  return known.map(({ productId: id, code, requested, available }) => ({
    productId: id,
    code,
    requested,
    ...(available !== undefined && { available }),
  }));
}

/** All samples tell of one order. */
export const SAMPLE_ORDER_ID = '019bbd7e-5c00-7a3e-9d4c-3f1a2b4c5d6e';
export const SAMPLE_SHORTAGES = [
  { productId: 'SKU-2002', code: 'insufficient_inventory', requested: 1, available: 0 },
] as const;
