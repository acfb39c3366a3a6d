/** Owns which commands come by message, and what their bodies are. */
import type { CommandMessage } from '../../../messaging/contracts/async-api.ts';
import { cancelOrderMessage, confirmOrderMessage, placeOrderMessage } from './requests.ts';

/** By routing key. */
export const COMMAND_MESSAGES = {
  'order.place.v1': { summary: 'Place an order.', body: placeOrderMessage },
  'order.confirm.v1': {
    summary: 'Confirm an order that was placed with manual confirmation and stands at PaymentAuthorized.',
    body: confirmOrderMessage,
  },
  'order.cancel.v1': {
    summary: 'Cancel an order: its stock is released and its payment voided or refunded.',
    body: cancelOrderMessage,
  },
} as const satisfies Readonly<Record<string, CommandMessage>>;
