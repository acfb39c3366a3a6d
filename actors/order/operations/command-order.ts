/**
 * Owns the commands of HTTP on an order that exists: cancel and confirm. Reads the request, has the order commanded
 * (see commanding.ts), answers.
 */
import type { OrderCommand } from '../order.ts';
import { isStaff } from '../../../http/authenticator.ts';
import { commandSourceOf } from '../../../http/command-source.ts';
import type { CallerContext, Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf } from '../../../http/idempotency.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { preferredWaitSeconds } from '../../../http/prefer.ts';
import { cancelOrderRequest, confirmOrderRequest } from './order-command-requests.ts';
import { commandOrder } from './commanding.ts';
import { answerOrder, findOrder, orderIdOf, type FoundOrder } from './find-order.ts';

const DELETED = { reason: 'The order was deleted by its caller.' };

/** `POST .../{id}/cancel` and `DELETE .../{id}`: 200 once all is compensated, 202 while it is not. */
export function createCancelOrder(services: EdgeServices, source: 'body' | 'delete'): Handler {
  return async (ctx) => {
    const body =
      source === 'delete'
        ? DELETED
        : parseInput(cancelOrderRequest, (await services.bodies.readJson(ctx.req, ctx.state.principal)) ?? {});
    const command: OrderCommand = { type: 'CancelOrder', reason: body.reason };
    const waitMs = services.timeouts.cancelSettleMs;
    const { found, headers } = await commandForCaller(services, ctx, command, body, waitMs);
    answerOrder(ctx, found.state.status === 'CancellationPending' ? 202 : 200, found, services.shards, headers);
  };
}

/** `POST .../{id}/confirm`: 200 once it is durable; `Prefer: wait` waits until it has settled. */
export function createConfirmOrder(services: EdgeServices): Handler {
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
  command: OrderCommand,
  body: unknown,
  settleWithinMs: number | undefined,
): Promise<{ found: FoundOrder; headers: Record<string, string> }> {
  const { clock, idempotencyNamespace } = services;
  const { principal } = ctx.state;
  const key = idempotencyKeyOf(ctx.req);
  const orderId = orderIdOf(ctx.params['orderId']);
  // A customer must not learn from a refusal that somebody else's order exists.
  if (!isStaff(principal)) await findOrder(services, orderId, principal);
  const source = commandSourceOf(ctx);
  const target = `${ctx.method} /api/v1/orders/${orderId} ${command.type}`;
  const keyed = key !== undefined;
  const name = keyed
    ? commandNameOfKey(idempotencyNamespace, principal, target, key, body)
    : commandNameOf(clock.nowMs(), source.condition);
  const commanding = { orderId, command, name, keyed, settleWithinMs, source };
  const { found, replayed, repeated } = await commandOrder(services, commanding);
  const isReplay = keyed && replayed && !repeated;
  return { found, headers: isReplay ? { 'Idempotent-Replayed': 'true' } : {} };
}
