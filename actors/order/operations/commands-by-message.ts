/** Owns the commands of messages on orders: reads the body, places (place.ts) or asks (command.ts), answers. */
import { orderEntity } from '../order.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import {
  defineMessageCommand,
  MESSAGE_KEY_NAME,
  type PerformedCommand,
  type ReceivedCommand,
} from '../../../http/message-command.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { commandOrder, type CallersCommand } from './command.ts';
import { parseOrderId, type FoundOrder } from './find-order.ts';
import { orderJson } from './order-json.ts';
import { orderServices } from './order-services.ts';
import { makeOrderTerms } from './order-terms.ts';
import { placeOrder } from './place.ts';
import { cancelOrderMessage, confirmOrderMessage, parsePlaceOrderMessage, placeOrderMessage } from './requests.ts';

export const placeByMessage = defineMessageCommand({
  routingKey: 'order.place.v1',
  summary: 'Place an order.',
  body: placeOrderMessage,
  perform(services) {
    const ofOrders = orderServices(services);
    return async ({ id, body, principal, source }) => {
      const terms = makeOrderTerms(parsePlaceOrderMessage(body), principal, services.settings);
      // The order keeps the message's id itself; by the body's hash it differs from a claim of that id.
      const placement = { orderId: id, terms, fingerprint: terms.bodyHash, source, ...KEYED };
      return performed(services, (await placeOrder(ofOrders, placement)).found);
    };
  },
});

export const confirmByMessage = defineMessageCommand({
  routingKey: 'order.confirm.v1',
  summary: 'Confirm an order that was placed with manual confirmation and stands at PaymentAuthorized.',
  body: confirmOrderMessage,
  perform: (services) => (received) => {
    const { orderId, ...rest } = parseInput(confirmOrderMessage, received.body);
    return command(services, received, orderId, { type: 'ConfirmOrder' }, rest);
  },
  comesEarly({ code, details }) {
    const from = details.members?.['from'];
    return code === 'illegal_transition' && (from === 'Created' || from === 'PaymentPending');
  },
});

export const cancelByMessage = defineMessageCommand({
  routingKey: 'order.cancel.v1',
  summary: 'Cancel an order: its stock is released and its payment voided or refunded.',
  body: cancelOrderMessage,
  perform: (services) => (received) => {
    const { orderId, ...rest } = parseInput(cancelOrderMessage, received.body);
    return command(services, received, orderId, { type: 'CancelOrder', reason: rest.reason }, rest);
  },
});

/** A message may come again; its sender waits for no settlement. */
const KEYED = { keyed: true, keyName: MESSAGE_KEY_NAME, settleWithinMs: undefined } as const;

async function command(
  services: EdgeServices,
  { claimFor, source }: ReceivedCommand,
  givenId: string,
  asked: CallersCommand,
  rest: unknown,
): Promise<PerformedCommand> {
  const orderId = parseOrderId(givenId);
  const name = await claimFor(`${asked.type} ${orderId}`, rest);
  const { found } = await commandOrder(services, { orderId, command: asked, name, source, ...KEYED });
  return performed(services, found);
}

function performed({ shards }: EdgeServices, { state, version, origin }: FoundOrder): PerformedCommand {
  return { entityId: orderEntity(state.orderId), answer: { order: orderJson(state, version, origin, shards) } };
}
