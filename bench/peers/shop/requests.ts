/** The request bodies that peers accept: the part of the HTTP contract that the bench uses. */
import { z } from 'zod';

const TEXT_LENGTH_MAX = 200;
const LINES_MAX = 2000;
const STOCK_ITEMS_MAX = 5000;

const text = z.string().max(TEXT_LENGTH_MAX);
const productId = z.string().min(1).max(64);
const money = z.object({ amount: z.number().int().nonnegative(), currency: z.string().length(3) });

export const PlaceOrder = z.object({
  customerId: text.optional(),
  orderLines: z
    .array(z.object({ productId, quantity: z.number().int().positive().max(1_000_000), unitPrice: money }))
    .min(1)
    .max(LINES_MAX),
  shippingAddress: z.object({ street: text, city: text, state: text, postalCode: text, country: text }),
  paymentMethod: z.object({ type: z.enum(['card', 'paypal', 'applepay', 'invoice']), token: text }),
});
export type PlaceOrder = z.output<typeof PlaceOrder>;

export const StockBatch = z.object({
  items: z
    .array(z.object({ productId, onHand: z.number().int().nonnegative().max(1e12) }))
    .min(1)
    .max(STOCK_ITEMS_MAX),
});
export type StockBatch = z.output<typeof StockBatch>;
