/** Owns the bodies of the commands on an order. */
import { z } from 'zod';
import { text, TEXT_LENGTH_MAX } from '../../../http/schemas/text.ts';

export const cancelOrderRequest = z.strictObject({ reason: text(TEXT_LENGTH_MAX) }).meta({ id: 'CancelOrderRequest' });

/** Confirming needs nothing; an empty object is accepted beside no body at all. */
export const confirmOrderRequest = z.strictObject({}).meta({ id: 'ConfirmOrderRequest' });
