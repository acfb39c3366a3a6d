/** Owns the form in which stock is answered, for the OpenAPI document and for tests. Answers are not parsed. */
import { z } from 'zod';
import { problemResponse } from '../../../http/schemas/responses.ts';

const units = z.int().min(0);
const stockNumbers = { onHand: units, held: units, available: units };

export const stockResponse = z
  .strictObject({
    productId: z.string(),
    ...stockNumbers,
    lowStockThreshold: units.optional(),
    warehouses: z.array(z.strictObject({ warehouseId: z.string(), ...stockNumbers })),
  })
  .meta({ id: 'Stock', description: 'onHand = available + held' });

export const stockBatchResponse = z
  .strictObject({
    results: z.array(
      z.union([
        z.strictObject({ productId: z.string(), status: z.literal(200), stock: stockResponse }),
        z.strictObject({ productId: z.string(), status: z.int(), problem: problemResponse }),
      ]),
    ),
  })
  .meta({ id: 'StockBatchResult', description: 'One result per item, in the order of the items' });
