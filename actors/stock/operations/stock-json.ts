/** Owns the form in which stock is shown. */
import type { StockLevel } from '../stock.ts';

export function stockJson({
  productId,
  onHand,
  held,
  available,
  lowStockThreshold,
  warehouses,
}: StockLevel): Record<string, unknown> {
  return {
    productId,
    onHand,
    held,
    available,
    ...(lowStockThreshold !== undefined && { lowStockThreshold }),
    warehouses,
  };
}
