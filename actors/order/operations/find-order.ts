/** Owns the reading and the showing of one order. Another customer's order is answered as if it did not exist. */
import { orderEntity, type OrderState, type PlacedOrder } from '../order.ts';
import type { Origin } from '../../../runtime/ask.ts';
import { isUuid } from '../../../kernel/ids.ts';
import { answerJson } from '../../../http/answer.ts';
import { notFound, problemOfRead } from '../../../http/answer-problems.ts';
import { isStaff, type Principal } from '../../../http/authenticator.ts';
import type { CallerContext } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { entityTag } from '../../../http/entity-tag.ts';
import { orderJson } from './order-json.ts';
import { ORDER } from './order-problems.ts';

export interface FoundOrder {
  readonly state: PlacedOrder;
  readonly version: number;
  readonly origin: Origin;
}

/** @throws Problem not_found for anything that can't be an order's id. */
export function parseOrderId(param: string | undefined): string {
  const orderId = param?.toLowerCase() ?? '';
  if (!isUuid(orderId)) throw notFound(ORDER.name);
  return orderId;
}

/** Sees everything that was answered before. @throws Problem not_found, overloaded, unavailable. */
export async function findOrder(
  { actors, timeouts }: EdgeServices,
  orderId: string,
  principal: Principal,
): Promise<FoundOrder> {
  const answer = await actors.ask({
    to: orderEntity(orderId),
    commandId: '',
    until: 'durable',
    timeoutMs: timeouts.readMs,
  });
  if (answer.kind !== 'done') throw problemOfRead(answer, ORDER);
  const state = answer.value as OrderState;
  if (state.status === 'Absent') throw notFound(ORDER.name);
  if (!isStaff(principal) && state.terms.customerId !== principal.customerId) throw notFound(ORDER.name);
  return { state, version: answer.version, origin: answer.origin };
}

export function answerOrder(
  ctx: CallerContext,
  status: number,
  { state, version, origin }: FoundOrder,
  shards: number,
  headers?: Record<string, string>,
): void {
  answerJson(ctx, status, orderJson(state, version, origin, shards), { ETag: entityTag(version), ...headers });
}
