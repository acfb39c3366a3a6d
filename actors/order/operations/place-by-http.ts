/**
 * Owns `POST /api/v1/orders`: reads the request, places the order (place.ts), answers. The order's id decides what a
 * repetition is: made from the Idempotency-Key it is the same order again, and the order itself recognises its own body.
 */
import { uuidV7 } from '../../../kernel/ids.ts';
import { answerJson } from '../../../http/answer.ts';
import { commandSourceOf } from '../../../http/command-source.ts';
import type { Handler } from '../../../http/edge-context.ts';
import { entityTag } from '../../../http/entity-tag.ts';
import { idempotencyKeyOf, idOfKey } from '../../../http/idempotency.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { preferredWaitSeconds } from '../../../http/prefer.ts';
import { EXAMPLE_ORDER } from './example.ts';
import { orderJson } from './order-json.ts';
import { CURRENCY_MISMATCH, UNKNOWN_PRODUCT } from './order-problems.ts';
import { orderServices, type OrderServices } from './order-services.ts';
import { makeOrderTerms } from './order-terms.ts';
import { placeOrder } from './place.ts';
import { parsePlaceOrder, placeOrderRequest } from './requests.ts';
import { orderResponse } from './responses.ts';

export const placeOrderOperation = defineOperation({
  id: 'placeOrder',
  method: 'POST',
  path: '/api/v1/orders',
  access: 'any',
  summary: 'Place an order. Answers as soon as it is durable, or with Prefer: wait=N once it has settled.',
  body: placeOrderRequest,
  example: EXAMPLE_ORDER,
  headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
  responses: { 201: { description: 'The order was made', schema: orderResponse } },
  problems: [
    UNKNOWN_PRODUCT,
    CURRENCY_MISMATCH,
    'idempotency_mismatch',
    'card_data_refused',
    'idempotency_key_invalid',
    'outcome_unknown',
  ],
  handler: (services) => createPlaceOrder(orderServices(services)),
});

function createPlaceOrder(services: OrderServices): Handler {
  const { bodies, clock, idempotencyNamespace, shards } = services;

  return async (ctx) => {
    const { principal } = ctx.state;
    const startedAt = clock.nowMs();
    const key = idempotencyKeyOf(ctx.req);
    const request = parsePlaceOrder(await bodies.readJson(ctx.req, ctx.state.principal));
    const terms = makeOrderTerms(request, principal, services.settings);
    const keyed = key !== undefined;
    const orderId = keyed ? idOfKey(idempotencyNamespace, principal, key) : uuidV7(startedAt);
    const waitSeconds = preferredWaitSeconds(ctx.headers['prefer']);
    const waitMs = waitSeconds === undefined ? undefined : waitSeconds * 1000;
    const placement = { orderId, terms, keyed, settleWithinMs: waitMs, source: commandSourceOf(ctx) };
    const { found, replayed, repeated } = await placeOrder(services, placement);
    const { state, version, origin } = found;
    // After a repetition of our own, `replayed` may mean ourselves; then the order's age decides.
    const isReplay = keyed && replayed && (!repeated || state.createdAt < startedAt);
    const headers: Record<string, string> = { Location: `/api/v1/orders/${orderId}`, ETag: entityTag(version) };
    if (waitSeconds !== undefined) headers['Preference-Applied'] = `wait=${waitSeconds}`;
    if (isReplay) headers['Idempotent-Replayed'] = 'true';
    answerJson(ctx, 201, orderJson(state, version, origin, shards), headers);
  };
}
