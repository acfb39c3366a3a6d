/** Owns the bodies that set stock. Keys in alphabetical order: the plain JSON of a parsed body is canonical. */
import { z } from 'zod';
import { DEFAULT_WAREHOUSE, ON_HAND_MAX, PRODUCT_ID_LENGTH_MAX } from '../stock.ts';
import { parseWithLongList } from '../../../http/parse-input.ts';
import { printableId } from '../../../http/schemas/text.ts';

const STOCK_BATCH_MAX = 5_000;
const WAREHOUSE_ID_LENGTH_MAX = 64;

const productId = printableId(PRODUCT_ID_LENGTH_MAX);
const units = z.number().int().min(0).max(ON_HAND_MAX);
const level = {
  lowStockThreshold: units.nullable().optional().describe('null removes it; left out it stays as it was'),
  onHand: units,
};
const warehouseId = printableId(WAREHOUSE_ID_LENGTH_MAX).default(DEFAULT_WAREHOUSE);

/** The variables of a path. */
export const productPath = z.object({ productId });

export const setStockRequest = z.strictObject({ ...level, warehouseId }).meta({ id: 'SetStockRequest' });
export type SetStockRequest = z.output<typeof setStockRequest>;

const stockBatchItem = z.strictObject({ ...level, productId, warehouseId }).meta({ id: 'StockBatchItem' });
export type StockBatchItem = z.output<typeof stockBatchItem>;

export const stockBatchRequest = z
  .strictObject({ items: z.array(stockBatchItem).min(1).max(STOCK_BATCH_MAX) })
  .meta({ id: 'StockBatchRequest' });

/** @throws Problem validation_failed: then no item was applied. */
export function parseStockBatch(body: unknown): readonly StockBatchItem[] {
  const items = { name: 'items', element: stockBatchItem, lengthMax: STOCK_BATCH_MAX };
  return parseWithLongList(stockBatchRequest, body, items).items;
}
