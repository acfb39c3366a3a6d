/**
 * Owns the data of the public events of payments. The provider's references and the payment's token are in none of
 * them.
 *
 * `amount` may be missing, since a message must never contradict its schema: rows from before the first release do not
 * hold it. What is optional can become required in v1, never the reverse.
 */
import { z } from 'zod';
import { money, orderId, paymentId, providerCode } from '../../messaging/contracts/public-fields.ts';

function paymentData(whatAmount: string) {
  return { paymentId, orderId, amount: money(`${whatAmount}; missing only of payments before 0.1.0`).optional() };
}

export const paymentAuthorized = z.strictObject(paymentData('What the provider set aside'));
export const paymentCaptured = z.strictObject(paymentData('What was taken'));
export const paymentDeclined = z.strictObject({ ...paymentData('What was asked for'), providerCode });
export const paymentVoided = z.strictObject(paymentData('What had been set aside and is free again'));
export const paymentCaptureFailed = z.strictObject({ ...paymentData('What could not be taken'), providerCode });
export const paymentRefunded = z.strictObject(paymentData('What was given back'));
