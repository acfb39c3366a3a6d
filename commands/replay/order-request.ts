/**
 * The HTTP request for an invoice. The same invoice makes the same request, byte by byte, on every run, so that the
 * node recognises it.
 *
 * The idempotency key is made from the invoice number alone, not from the file. The invoice number is what identifies a
 * sale in the shop's books: a longer export of the same shop (the days in one file, the year in another) adds its new
 * invoices and places none twice, and an invoice that comes back with other lines is refused (422), never placed again.
 */
import type { RetailOrder } from './retail-file.ts';

const CURRENCY = 'GBP';

export function idempotencyKeyOf(invoiceNo: string): string {
  return `retail-invoice-${invoiceNo}`;
}

/** The body of `POST /api/v1/orders`. The file knows a country only; the rest of the address is made up. */
export function orderRequest({ invoiceNo, customerId, country, placedAt, lines }: RetailOrder): unknown {
  return {
    customerId,
    externalReference: invoiceNo,
    placedAt,
    orderLines: lines.map(({ productId, quantity, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: { amount: unitPrice, currency: CURRENCY },
    })),
    shippingAddress: { street: '1 Example Street', city: 'Exampleton', state: '', postalCode: 'EX1 1AA', country },
    paymentMethod: { type: 'card', token: 'tok_visa' },
  };
}
