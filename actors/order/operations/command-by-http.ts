/** Owns the commands of HTTP on an order that exists, confirm and cancel: reads the request, asks (command.ts), answers. */
import { isStaff } from '../../../http/authenticator.ts';
import { commandSourceOf } from '../../../http/command-source.ts';
import type { CallerContext, Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf } from '../../../http/idempotency.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { preferredWaitSeconds } from '../../../http/prefer.ts';
import { commandOrder, type CallersCommand } from './command.ts';
import { answerOrder, findOrder, parseOrderId, type FoundOrder } from './find-order.ts';
import { PAYMENT_DECLINED } from './order-problems.ts';
import { cancelOrderRequest, confirmOrderRequest } from './requests.ts';
import { orderResponse } from './responses.ts';

export const confirmOrderOperation = defineOperation({
  id: 'confirmOrder',
  method: 'POST',
  path: '/api/v1/orders/{orderId}/confirm',
  access: 'any',
  summary: 'Confirm an order that was placed with manual confirmation and stands at PaymentAuthorized.',
  body: confirmOrderRequest,
  example: {},
  bodyOptional: true,
  headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
  responses: { 200: { description: 'Confirmed', schema: orderResponse } },
  problems: [
    'not_found',
    PAYMENT_DECLINED,
    'illegal_transition',
    'idempotency_mismatch',
    'idempotency_key_invalid',
    'outcome_unknown',
  ],
  handler: createConfirmOrder,
});

const CANCELLED = {
  200: { description: 'Cancelled, and all is compensated', schema: orderResponse },
  202: { description: 'Being compensated', schema: orderResponse },
};

export const cancelOrderOperation = defineOperation({
  id: 'cancelOrder',
  method: 'POST',
  path: '/api/v1/orders/{orderId}/cancel',
  access: 'any',
  summary: 'Cancel an order: its stock is released and its payment voided or refunded.',
  body: cancelOrderRequest,
  example: { reason: 'The customer changed their mind' },
  headers: ['Idempotency-Key', 'traceparent'],
  responses: CANCELLED,
  problems: [
    'not_found',
    'illegal_transition',
    'idempotency_mismatch',
    'idempotency_key_invalid',
    'card_data_refused',
    'outcome_unknown',
  ],
  handler: (services) => createCancelOrder(services, 'body'),
});

export const deleteOrderOperation = defineOperation({
  id: 'deleteOrder',
  method: 'DELETE',
  path: '/api/v1/orders/{orderId}',
  access: 'any',
  summary: 'Cancel an order without giving a reason.',
  headers: ['Idempotency-Key', 'traceparent'],
  responses: CANCELLED,
  problems: ['not_found', 'illegal_transition', 'idempotency_mismatch', 'idempotency_key_invalid', 'outcome_unknown'],
  handler: (services) => createCancelOrder(services, 'delete'),
});

const DELETED = { reason: 'The order was deleted by its caller.' };

/** `POST .../{id}/cancel` and `DELETE .../{id}`: 200 once all is compensated, 202 while it is not. */
function createCancelOrder(services: EdgeServices, source: 'body' | 'delete'): Handler {
  return async (ctx) => {
    const body =
      source === 'delete'
        ? DELETED
        : parseInput(cancelOrderRequest, (await services.bodies.readJson(ctx.req, ctx.state.principal)) ?? {});
    const command = { type: 'CancelOrder', reason: body.reason } as const;
    const waitMs = services.timeouts.cancelSettleMs;
    const { found, headers } = await commandForCaller(services, ctx, command, body, waitMs);
    answerOrder(ctx, found.state.status === 'CancellationPending' ? 202 : 200, found, services.shards, headers);
  };
}

/** `POST .../{id}/confirm`: 200 once it is durable; `Prefer: wait` waits until it has settled. */
function createConfirmOrder(services: EdgeServices): Handler {
  return async (ctx) => {
    const body = parseInput(confirmOrderRequest, (await services.bodies.readJson(ctx.req, ctx.state.principal)) ?? {});
    const waitSeconds = preferredWaitSeconds(ctx.headers['prefer']);
    const waitMs = waitSeconds === undefined ? undefined : waitSeconds * 1000;
    const { found, headers } = await commandForCaller(services, ctx, { type: 'ConfirmOrder' }, body, waitMs);
    answerOrder(ctx, 200, found, services.shards, {
      ...headers,
      ...(waitSeconds !== undefined && { 'Preference-Applied': `wait=${waitSeconds}` }),
    });
  };
}

/** @param settleWithinMs how long to wait for the order to be at rest; undefined: durable is enough. */
async function commandForCaller(
  services: EdgeServices,
  ctx: CallerContext,
  command: CallersCommand,
  body: unknown,
  settleWithinMs: number | undefined,
): Promise<{ found: FoundOrder; headers: Record<string, string> }> {
  const { clock, idempotencyNamespace } = services;
  const { principal } = ctx.state;
  const key = idempotencyKeyOf(ctx.req);
  const orderId = parseOrderId(ctx.params['orderId']);
  // A refusal must not show a customer that another customer's order exists.
  if (!isStaff(principal)) await findOrder(services, orderId, principal);
  const source = commandSourceOf(ctx);
  const target = `${ctx.method} /api/v1/orders/${orderId} ${command.type}`;
  const keyed = key !== undefined;
  const name = keyed
    ? commandNameOfKey(idempotencyNamespace, principal, target, key, body)
    : commandNameOf(clock.nowMs(), source.condition);
  const request = { orderId, command, name, keyed, settleWithinMs, source };
  const { found, replayed, repeated } = await commandOrder(services, request);
  const isReplay = keyed && replayed && !repeated;
  return { found, headers: isReplay ? { 'Idempotent-Replayed': 'true' } : {} };
}
