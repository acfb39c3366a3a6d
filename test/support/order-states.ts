/** Orders as the order view holds them, with everything that a test doesn't care about filled in. */
import { orderEntity, type OrderTerms, type PlacedOrder } from '../../actors/order/order.ts';
import { orderView } from '../../actors/order/view.ts';
import { stockEntity, type StockLevel } from '../../actors/stock/stock.ts';
import { stockView } from '../../actors/stock/view.ts';
import type { ViewChange } from '../../persistence/view-definition.ts';

export function orderTerms(changes: Partial<OrderTerms> = {}): OrderTerms {
  return {
    customerId: 'alice',
    currency: 'GBP',
    lines: [
      { productId: 'P1', quantity: 2, unitPrice: 255 },
      { productId: 'P2', quantity: 1, unitPrice: 100 },
    ],
    shippingAddress: { street: '1 High Street', city: 'Leeds', state: '', postalCode: 'LS1 1AA', country: 'GB' },
    paymentMethod: { type: 'card', token: 'tok_visa' },
    confirmation: 'automatic',
    bodyHash: 'hash',
    reservationTtlMs: 900_000,
    ...changes,
  };
}

/** Number `n`, as a UUID: they sort by `n`. */
export const orderIdOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

export function placedOrder(
  orderId: string,
  changes: Partial<PlacedOrder> = {},
  terms: Partial<OrderTerms> = {},
): PlacedOrder {
  return {
    status: 'Created',
    orderId,
    terms: orderTerms(terms),
    total: 610,
    holdNotAfter: 1_700_086_400_000,
    payment: { status: 'Pending', authorized: 0, captured: 0, refunded: 0 },
    reservation: { status: 'Pending' },
    createdAt: 1_700_000_000_123,
    updatedAt: 1_700_000_000_456,
    ...changes,
  } as PlacedOrder;
}

export function stockLevelOf(
  productId: string,
  onHand: number,
  held: number,
  changes: Partial<StockLevel> = {},
): StockLevel {
  const available = onHand - held;
  return {
    productId,
    exists: true,
    onHand,
    held,
    available,
    warehouses: [{ warehouseId: 'main', onHand, held, available }],
    ...changes,
  };
}

/** What an order shows after a row, as a flush carries it. */
export function orderChange(
  shown: PlacedOrder,
  shard: number,
  changes: Partial<ViewChange<PlacedOrder>> = {},
): ViewChange<PlacedOrder> {
  const entityId = orderEntity(shown.orderId);
  return { view: orderView, entityId, shard, version: 1, shown, firstSeq: 1, at: 1, settled: false, ...changes };
}

/** What a product's stock shows after a row, as a flush carries it. */
export function stockChange(
  shown: StockLevel,
  shard: number,
  changes: Partial<ViewChange<StockLevel>> = {},
): ViewChange<StockLevel> {
  const entityId = stockEntity(shown.productId);
  return { view: stockView, entityId, shard, version: 1, shown, firstSeq: 1, at: 1, settled: true, ...changes };
}
