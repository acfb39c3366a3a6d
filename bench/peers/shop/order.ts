/** An order of all peers, and the answers to its requests. */
import { createHash, randomUUID } from 'node:crypto';
import type { PlaceOrder } from './requests.ts';

export interface NewOrder {
  readonly id: string;
  /** The caller's name and idempotency key; null where none was given. */
  readonly key: string | null;
  /** Of the request, to tell a repeated one from another under the same key. */
  readonly bodyHash: string;
  readonly customer: string;
  /** Minor units. */
  readonly total: number;
  readonly currency: string;
  readonly lines: PlaceOrder['orderLines'];
  readonly address: PlaceOrder['shippingAddress'];
}

/** In the order of the names, in which all lock rows of stock: so no two orders deadlock. */
export type Wanted = readonly (readonly [product: string, quantity: number])[];

export interface OrderAnswer {
  readonly orderId: string;
  readonly status: string;
  readonly totalAmount: { readonly amount: number; readonly currency: string };
  readonly payment?: { readonly status: string };
  readonly cancellation?: { readonly code: string; readonly details: string };
}

/** An order's status. */
export interface OrderState {
  readonly id: string;
  readonly total: number;
  readonly currency: string;
  readonly status: string;
  readonly paymentStatus: string | null;
  /** The product that was short, where the order was cancelled. */
  readonly refusedProduct: string | null;
}

export type PlaceResult =
  { readonly kind: 'placed' | 'replayed'; readonly order: OrderAnswer } | { readonly kind: 'mismatch' };

/** Takes an order to its end. */
export type Place = (order: NewOrder) => Promise<PlaceResult>;

export function newOrder(request: PlaceOrder, customer: string, key: string | null): NewOrder {
  return {
    id: randomUUID(),
    key,
    bodyHash: createHash('sha256').update(JSON.stringify(request)).digest('hex'),
    customer,
    total: request.orderLines.reduce((sum, line) => sum + line.quantity * line.unitPrice.amount, 0),
    currency: request.orderLines[0]!.unitPrice.currency,
    lines: request.orderLines,
    address: request.shippingAddress,
  };
}

export function wantedOf(lines: NewOrder['lines']): Wanted {
  const wanted = new Map<string, number>();
  for (const { productId, quantity } of lines) wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  return [...wanted].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Of an order that was taken to its end; `refusedProduct` where that is its cancellation. */
export function settledAnswer(
  { id, total, currency }: Pick<OrderState, 'id' | 'total' | 'currency'>,
  refusedProduct: string | null,
): OrderAnswer {
  const isCancelled = refusedProduct !== null;
  const status = isCancelled ? 'Cancelled' : 'Confirmed';
  return orderAnswer({ id, total, currency, status, paymentStatus: isCancelled ? null : 'Captured', refusedProduct });
}

export function orderAnswer(state: OrderState): OrderAnswer {
  const { id, total, currency, status, paymentStatus, refusedProduct } = state;
  return {
    orderId: id,
    status,
    totalAmount: { amount: total, currency },
    ...(paymentStatus !== null && { payment: { status: paymentStatus } }),
    ...(refusedProduct !== null && { cancellation: { code: 'insufficient_inventory', details: refusedProduct } }),
  };
}
