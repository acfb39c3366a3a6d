/** Owns the order that the documentation shows: it can be sent as it is to a node that was begun with the demo product. */
import type { z } from 'zod';
import type { placeOrderRequest } from '../../actors/order/operations/place-order-request.ts';

export const EXAMPLE_PRODUCT_ID = 'DEMO-MUG';

export const EXAMPLE_ORDER: z.input<typeof placeOrderRequest> = {
  orderLines: [{ productId: EXAMPLE_PRODUCT_ID, quantity: 2, unitPrice: { amount: 1250, currency: 'GBP' } }],
  shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1 9GU', country: 'GB' },
  paymentMethod: { type: 'card', token: 'tok_visa' },
};
