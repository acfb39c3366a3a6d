/** The order view: one row an order, with its state as it is shown, and the columns that lists filter and order by. */
import { defineView } from '../../persistence/view-definition.ts';
import type { PlacedOrder } from './order.ts';

/** Its table: migrations/0001-journal.ts. */
export const orderView = defineView<PlacedOrder>({
  table: 'order_view',
  columns: {
    order_id: { type: 'uuid', written: 'key', value: ({ shown }) => shown.orderId },
    first_seq: { type: 'bigint', written: 'once', value: ({ firstSeq }) => firstSeq },
    customer_id: { type: 'text', written: 'once', value: ({ shown }) => shown.terms.customerId },
    status: { type: 'text', written: 'always', value: ({ shown }) => shown.status },
    settled: { type: 'boolean', written: 'always', value: ({ settled }) => settled },
    currency: { type: 'text', written: 'once', value: ({ shown }) => shown.terms.currency },
    total_amount: { type: 'bigint', written: 'once', value: ({ shown }) => shown.total },
    line_count: { type: 'int', written: 'once', value: ({ shown }) => shown.terms.lines.length },
    units: { type: 'bigint', written: 'once', value: ({ shown }) => unitsOf(shown) },
    external_reference: { type: 'text', written: 'once', value: ({ shown }) => shown.terms.externalReference ?? null },
    created_at: { type: 'timestamptz', written: 'once', value: ({ shown }) => shown.createdAt },
    updated_at: { type: 'timestamptz', written: 'always', value: ({ shown }) => shown.updatedAt },
    state: { type: 'json', written: 'always', value: ({ shown }) => JSON.stringify(shown) },
  },
});

function unitsOf({ terms }: PlacedOrder): number {
  let units = 0;
  for (const { quantity } of terms.lines) units += quantity;
  return units;
}
