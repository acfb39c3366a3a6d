/** Owns the order that the documents show: it can be sent as it is to a node that has the demo product. */
import { DEMO_PRODUCT_ID } from '../../stock/stock.ts';
import type { z } from 'zod';
import type { placeOrderRequest } from './requests.ts';

export const EXAMPLE_ORDER: z.input<typeof placeOrderRequest> = {
  orderLines: [{ productId: DEMO_PRODUCT_ID, quantity: 2, unitPrice: { amount: 1250, currency: 'GBP' } }],
  shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1 9GU', country: 'GB' },
  paymentMethod: { type: 'card', token: 'tok_visa' },
};
