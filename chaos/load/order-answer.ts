/** Reads an order as the HTTP edge shows it, and compares it with the requested one. */
import { CURRENCY, totalOf, type WantedOrder } from './history.ts';

export interface OrderAnswer {
  readonly orderId: string;
  readonly customerId: string;
  readonly status: string;
  readonly version: number;
  readonly totalAmount: Money;
  readonly orderLines: readonly { readonly productId: string; readonly quantity: number; readonly unitPrice: Money }[];
  readonly externalReference?: string;
  readonly cancellation?: { readonly code: string };
  readonly payment: { readonly captured: Money; readonly refunded: Money; readonly status: string };
}
interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** Undefined where it is the same; else what differs. */
export function differenceOf(
  answer: OrderAnswer,
  wanted: WantedOrder,
): { expected: string; found: string } | undefined {
  const expected = JSON.stringify([
    wanted.reference,
    wanted.customer,
    totalOf(wanted.lines),
    CURRENCY,
    wanted.lines.map(({ productId, quantity, unitPrice }) => [productId, quantity, unitPrice]),
  ]);
  const found = JSON.stringify([
    answer.externalReference,
    answer.customerId,
    answer.totalAmount?.amount,
    answer.totalAmount?.currency,
    answer.orderLines?.map(({ productId, quantity, unitPrice }) => [productId, quantity, unitPrice.amount]),
  ]);
  return expected === found ? undefined : { expected, found };
}

/** The end of an order, where it can't change any more: there are no shipments or returns here. */
export function endOf(status: string): string | undefined {
  return status === 'Cancelled' ? status : undefined;
}
