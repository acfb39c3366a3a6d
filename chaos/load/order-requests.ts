/** The bodies that customers send: the same for the HTTP contract and the commands by message. */
import { CURRENCY, type WantedOrder } from './history.ts';

export const CANCEL_REASON = 'The customer thought better of it.';
/** Of its cancellation, as a key or as a message id. */
export const cancelKeyOf = ({ reference }: WantedOrder): string => `${reference}-cancel`;

export function bodyOf({ reference, token, lines }: WantedOrder): Readonly<Record<string, unknown>> {
  return {
    externalReference: reference,
    orderLines: lines.map(({ productId, quantity, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: { amount: unitPrice, currency: CURRENCY },
    })),
    shippingAddress: { street: '1 Wharf Road', city: 'Leeds', state: '', postalCode: 'LS1 4AP', country: 'GB' },
    paymentMethod: { type: 'card', token },
  };
}
