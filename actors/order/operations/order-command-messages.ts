/**
 * Owns the bodies of the commands that come as messages: those of the HTTP contract, with what HTTP has in its path
 * and in its token.
 */
import { z } from 'zod';
import { isUuid } from '../../../kernel/ids.ts';
import { parseWithLongList } from '../../../http/parse-input.ts';
import { cancelOrderRequest, confirmOrderRequest } from './order-command-requests.ts';
import { ORDER_LINES, placeOrderRequest, type PlaceOrderRequest } from './place-order-request.ts';
import { customerId } from '../../../http/schemas/text.ts';

const orderId = z
  .string()
  .check((payload) => {
    if (isUuid(payload.value.toLowerCase())) return;
    payload.issues.push({ code: 'custom', message: 'must be the id of an order, a UUID', input: payload.value });
  })
  .meta({ format: 'uuid' });

/** Who sends it is no customer, so it must say for whom. */
export const placeOrderMessage = placeOrderRequest.extend({ customerId }).meta({ id: 'PlaceOrderMessage' });
export const confirmOrderMessage = confirmOrderRequest.extend({ orderId }).meta({ id: 'ConfirmOrderMessage' });
export const cancelOrderMessage = cancelOrderRequest.extend({ orderId }).meta({ id: 'CancelOrderMessage' });

/** @throws Problem validation_failed. */
export function parsePlaceOrderMessage(body: unknown): PlaceOrderRequest {
  return parseWithLongList(placeOrderMessage, body, ORDER_LINES);
}
