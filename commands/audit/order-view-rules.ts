/** What an order's row in the order view must say (invariant 3): exactly what the fold says at the row's version. Pure. */
import type { PlacedOrder } from '../../actors/order/order.ts';
import type { AuditedOrderView } from '../../persistence/postgres/audited-rows.ts';
import { firstDifference, type Difference } from '../support/first-difference.ts';

/** The order as folded up to the view's version, and where its first row lies. */
export interface FoldedOrder {
  readonly state: PlacedOrder;
  readonly settled: boolean;
  readonly shard: number;
  readonly firstSeq: number;
}

export function orderViewDifference(folded: FoldedOrder, view: AuditedOrderView): Difference | undefined {
  const { state, settled, shard, firstSeq } = folded;
  const { terms } = state;
  const columns = {
    shard,
    firstSeq,
    customerId: terms.customerId,
    status: state.status,
    settled,
    currency: terms.currency,
    totalAmount: state.total,
    lineCount: terms.lines.length,
    units: terms.lines.reduce((units, line) => units + line.quantity, 0),
    externalReference: terms.externalReference ?? null,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
  };
  const { orderId: _orderId, version: _version, state: text, ...found } = view;
  return firstDifference(columns, found) ?? firstDifference(state, parsed(text), 'state');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
