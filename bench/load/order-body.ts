/** The orders of a form. */
import type { OrderForm } from './messages.ts';

/** The products that stock must have before orders of any form are sent. */
export function productIds(form: OrderForm): string[] {
  return Array.from({ length: form.products }, (_, index) => productId(index));
}

function productId(index: number): string {
  return `BENCH-${String(index).padStart(6, '0')}`;
}

/** The body of an order as the API takes it. @param random from 0 to 1, drawn for lines and quantities */
export function orderBody(form: OrderForm, random: () => number) {
  const products = new Set<number>();
  while (products.size < form.linesPerOrder) products.add(Math.floor(random() * form.products));
  return {
    orderLines: [...products].map((product) => ({
      productId: productId(product),
      quantity: 1 + Math.floor(random() * 3),
      unitPrice: { amount: 100 + product, currency: 'GBP' },
    })),
    shippingAddress: { street: '1 Wharf Road', city: 'Leeds', state: '', postalCode: 'LS1 4AP', country: 'GB' },
    paymentMethod: { type: 'card', token: 'tok_visa' },
  };
}
