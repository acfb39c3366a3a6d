/**
 * Owns the commands on an order that exists: cancel and confirm. Each may be sent again under the same command id, so
 * an answer that was lost is asked for once more before the caller hears that the outcome is unknown.
 */
import type { Answer } from '../../actors/ask.ts';
import { orderEntity } from '../../domain/addresses.ts';
import type { OrderCommand, PlacedOrder } from '../../domain/order/order.ts';
import { problemOfAnswer } from '../answer-problems.ts';
import { isStaff } from '../authenticator.ts';
import type { Call, Handler } from '../call.ts';
import type { EdgeServices } from '../edge-services.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf } from '../idempotency.ts';
import { parseInput } from '../parse-input.ts';
import { preferredWaitSeconds } from '../prefer.ts';
import { cancelOrderRequest, confirmOrderRequest } from '../schemas/order-command-requests.ts';
import { findOrder, orderIdOf, orderReply, type FoundOrder } from './find-order.ts';

const DELETED = { reason: 'The order was deleted by its caller.' };

/** `POST .../{id}/cancel` and `DELETE .../{id}`: 200 once all is compensated, 202 while it is not. */
export function createCancelOrder(services: EdgeServices, source: 'body' | 'delete'): Handler {
  return async (call) => {
    const body = source === 'delete' ? DELETED : parseInput(cancelOrderRequest, (await call.readJson()) ?? {});
    const command: OrderCommand = { type: 'CancelOrder', reason: body.reason };
    const waitMs = services.timeouts.cancelSettleMs;
    const { found, headers } = await commandOrder(services, call, command, body, waitMs);
    return orderReply(found.state.status === 'CancellationPending' ? 202 : 200, found, services.shards, headers);
  };
}

/** `POST .../{id}/confirm`: 200 once it is durable; `Prefer: wait` waits until it has settled. */
export function createConfirmOrder(services: EdgeServices): Handler {
  return async (call) => {
    const body = parseInput(confirmOrderRequest, (await call.readJson()) ?? {});
    const waitSeconds = preferredWaitSeconds(call.req.headers['prefer']);
    const waitMs = waitSeconds === undefined ? undefined : waitSeconds * 1000;
    const { found, headers } = await commandOrder(services, call, { type: 'ConfirmOrder' }, body, waitMs);
    return orderReply(200, found, services.shards, {
      ...headers,
      ...(waitSeconds !== undefined && { 'Preference-Applied': `wait=${waitSeconds}` }),
    });
  };
}

/** @param settleWithinMs how long to wait for the order to be at rest; undefined: durable is enough. */
async function commandOrder(
  services: EdgeServices,
  call: Call,
  command: OrderCommand,
  body: unknown,
  settleWithinMs: number | undefined,
): Promise<{ found: FoundOrder; headers: Record<string, string> }> {
  const { actors, clock, idempotencyNamespace, timeouts } = services;
  const key = idempotencyKeyOf(call.req);
  const orderId = orderIdOf(call.params[0]);
  // A customer must not learn from a refusal that somebody else's order exists.
  if (!isStaff(call.principal)) await findOrder(services, orderId, call.principal);
  const target = `${call.req.method ?? ''} /api/v1/orders/${orderId} ${command.type}`;
  const name =
    key === undefined
      ? commandNameOf(clock.nowMs())
      : commandNameOfKey(idempotencyNamespace, call.principal, target, key, body);
  const ask = { to: orderEntity(orderId), command, ...name };

  let answer: Answer;
  let repeated = false;
  if (settleWithinMs === undefined) {
    answer = await actors.ask({ ...ask, until: 'durable', timeoutMs: timeouts.commandMs });
  } else {
    answer = await actors.ask({ ...ask, until: 'settled', timeoutMs: settleWithinMs });
    if (answer.kind === 'failed' && answer.code === 'outcome_unknown') {
      const again = await actors.ask({ ...ask, until: 'durable', timeoutMs: timeouts.commandMs });
      if (again.kind !== 'failed') answer = again;
      repeated = true;
    }
  }
  if (answer.kind !== 'done') throw problemOfAnswer(answer, 'order', { keyed: key !== undefined, orderId });
  const replayed = key !== undefined && answer.replayed && !repeated;
  return {
    found: { state: answer.value as PlacedOrder, version: answer.version, origin: answer.origin },
    headers: replayed ? { 'Idempotent-Replayed': 'true' } : {},
  };
}
