/**
 * Owns what the bodies of commands on orders may be, by HTTP and by message. A message also says what HTTP has in its
 * path and in its token: which order, and whose.
 *
 * The keys of every object stand in alphabetical order. A parsed body has its keys in the order of the schema, so its
 * plain JSON is canonical, and its hash needs no sorting (a test holds this). The hash is stored with the order: a new
 * field must be optional and left out where it is not given.
 */
import { z } from 'zod';
import { isUuid } from '../../../kernel/ids.ts';
import { parseInstant } from '../../../kernel/instant.ts';
import { parseWithLongList } from '../../../http/parse-input.ts';
import { money } from '../../../http/schemas/money.ts';
import { customerId, optionalText, printableId, text, TEXT_LENGTH_MAX } from '../../../http/schemas/text.ts';
import { PRODUCT_ID_LENGTH_MAX } from '../../stock/stock.ts';
import { LINE_AMOUNT_MAX } from '../order.ts';

const ORDER_LINES_MAX = 2_000;
const QUANTITY_MAX = 1_000_000;
const COUNTRY_LENGTH_MAX = 60;
const EXTERNAL_REFERENCE_LENGTH_MAX = 64;

const productId = printableId(PRODUCT_ID_LENGTH_MAX);

// An order can't exceed 2^53-1: 2,000 lines of 10^12 are less.
export const orderLine = z
  .strictObject({ productId, quantity: z.number().int().min(1).max(QUANTITY_MAX), unitPrice: money })
  .check((payload) => {
    const { quantity, unitPrice } = payload.value;
    if (quantity * unitPrice.amount <= LINE_AMOUNT_MAX) return;
    const message = `quantity times unitPrice must be at most ${LINE_AMOUNT_MAX} minor units`;
    payload.issues.push({ code: 'custom', message, input: payload.value });
  })
  .meta({ id: 'OrderLine' });

export const address = z
  .strictObject({
    city: text(TEXT_LENGTH_MAX),
    country: text(COUNTRY_LENGTH_MAX),
    postalCode: text(TEXT_LENGTH_MAX),
    state: optionalText(TEXT_LENGTH_MAX),
    street: text(TEXT_LENGTH_MAX),
  })
  .meta({ id: 'Address' });

const paymentMethod = z
  .strictObject({ token: text(TEXT_LENGTH_MAX), type: z.enum(['card', 'paypal', 'applepay', 'invoice']) })
  .meta({ id: 'PaymentMethod', description: 'The token that the payment provider gave; never a card number' });

const placedAt = z
  .string()
  .check((payload) => {
    if (payload.value.length <= 40 && parseInstant(payload.value) !== undefined) return;
    payload.issues.push({ code: 'custom', message: 'must be a date and time in ISO 8601', input: payload.value });
  })
  .meta({ description: "Staff only: an import's own time, ISO 8601" });

export const placeOrderRequest = z
  .strictObject({
    billingAddress: address.optional().describe('Default: the shipping address'),
    confirmation: z.enum(['automatic', 'manual']).default('automatic'),
    customerId: customerId.optional().describe("Staff only; default: the token's sub"),
    externalReference: text(EXTERNAL_REFERENCE_LENGTH_MAX).optional(),
    orderLines: z.array(orderLine).min(1).max(ORDER_LINES_MAX),
    paymentMethod,
    placedAt: placedAt.optional(),
    shippingAddress: address,
  })
  .meta({ id: 'PlaceOrderRequest' });

export type PlaceOrderRequest = z.output<typeof placeOrderRequest>;

export const cancelOrderRequest = z.strictObject({ reason: text(TEXT_LENGTH_MAX) }).meta({ id: 'CancelOrderRequest' });

/** Confirming needs nothing; an empty object is accepted beside no body at all. */
export const confirmOrderRequest = z.strictObject({}).meta({ id: 'ConfirmOrderRequest' });

const orderId = z
  .string()
  .check((payload) => {
    if (isUuid(payload.value.toLowerCase())) return;
    payload.issues.push({ code: 'custom', message: 'must be the id of an order, a UUID', input: payload.value });
  })
  .meta({ format: 'uuid' });

/** Its sender is no customer, so it must say for whom. */
export const placeOrderMessage = placeOrderRequest.extend({ customerId }).meta({ id: 'PlaceOrderMessage' });
export const confirmOrderMessage = confirmOrderRequest.extend({ orderId }).meta({ id: 'ConfirmOrderMessage' });
export const cancelOrderMessage = cancelOrderRequest.extend({ orderId }).meta({ id: 'CancelOrderMessage' });

/** The list of a body that may be long, see parseWithLongList. */
const ORDER_LINES = { name: 'orderLines', element: orderLine, lengthMax: ORDER_LINES_MAX };

/** @throws Problem validation_failed. */
export function parsePlaceOrder(body: unknown): PlaceOrderRequest {
  return parseWithLongList(placeOrderRequest, body, ORDER_LINES);
}

/** @throws Problem validation_failed. */
export function parsePlaceOrderMessage(body: unknown): PlaceOrderRequest {
  return parseWithLongList(placeOrderMessage, body, ORDER_LINES);
}
