/** The stock view: one row for each product in each warehouse. */
import { defineViewOfRows, type ViewChange } from '../../persistence/view-definition.ts';
import type { StockLevel } from './stock.ts';

interface WarehouseRow {
  readonly change: ViewChange<StockLevel>;
  readonly warehouse: StockLevel['warehouses'][number];
}

/** Its table: migrations/0001-journal.ts. */
export const stockView = defineViewOfRows<StockLevel, WarehouseRow>({
  table: 'stock_view',
  rowsOf: (change) => change.shown.warehouses.map((warehouse) => ({ change, warehouse })),
  columns: {
    product_id: { type: 'text', written: 'key', value: ({ change }) => change.shown.productId },
    warehouse_id: { type: 'text', written: 'key', value: ({ warehouse }) => warehouse.warehouseId },
    on_hand: { type: 'bigint', written: 'always', value: ({ warehouse }) => warehouse.onHand },
    held: { type: 'bigint', written: 'always', value: ({ warehouse }) => warehouse.held },
    low_stock_threshold: {
      type: 'bigint',
      written: 'always',
      value: ({ change }) => change.shown.lowStockThreshold ?? null,
    },
    updated_at: { type: 'timestamptz', written: 'always', value: ({ change }) => change.at },
  },
});
