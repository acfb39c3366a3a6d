/** Owns `PUT /api/v1/stock/{productId}`: sets what lies in one warehouse, and creates the product's stock. */
import type { Answer } from '../../actors/ask.ts';
import { stockEntity } from '../../domain/addresses.ts';
import type { StockCommand, StockLevel } from '../../domain/stock/stock-item.ts';
import { problemOfAnswer } from '../answer-problems.ts';
import type { Principal } from '../authenticator.ts';
import { answerJson } from '../answer.ts';
import type { Handler } from '../edge-context.ts';
import type { EdgeServices } from '../edge-services.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf } from '../idempotency.ts';
import { parseInput } from '../parse-input.ts';
import { setStockRequest, type SetStockRequest } from '../schemas/stock-requests.ts';
import { productPath } from '../schemas/text.ts';
import { stockJson } from './stock-json.ts';

export function createSetStock(services: EdgeServices): Handler {
  return async (ctx) => {
    const { productId } = parseInput(productPath, ctx.params, 'The path');
    const key = idempotencyKeyOf(ctx.req);
    const request = parseInput(setStockRequest, await services.bodies.readJson(ctx.req, ctx.state.principal));
    const answer = await askToSetStock(services, ctx.state.principal, productId, request, key, 0);
    if (answer.kind !== 'done') throw problemOfAnswer(answer, 'stock item', { keyed: key !== undefined });
    const replayed = key !== undefined && answer.replayed;
    answerJson(ctx, 200, stockJson(answer.value as StockLevel), replayed ? { 'Idempotent-Replayed': 'true' } : {});
  };
}

/** @param ordinal tells equal products of one batch apart; 0 is the PUT itself. */
export async function askToSetStock(
  { actors, clock, idempotencyNamespace, knownProducts, timeouts }: EdgeServices,
  principal: Principal,
  productId: string,
  request: SetStockRequest,
  key: string | undefined,
  ordinal: number,
): Promise<Answer> {
  const { lowStockThreshold, onHand, warehouseId } = request;
  const level = { lowStockThreshold, onHand, warehouseId };
  const target = `PUT stock ${productId} ${ordinal}`;
  const name =
    key === undefined
      ? commandNameOf(clock.nowMs())
      : commandNameOfKey(idempotencyNamespace, principal, target, key, level);
  const command: StockCommand = {
    type: 'SetStock',
    warehouseId,
    onHand,
    ...(lowStockThreshold !== undefined && { lowStockThreshold }),
  };
  const ask = {
    to: stockEntity(productId),
    command,
    ...name,
    // Without a key nobody could tell it from one that somebody else set over in between.
    ...(key === undefined && ({ once: true } as const)),
    until: 'durable',
    timeoutMs: timeouts.commandMs,
  } as const;
  const answer = await actors.ask(ask);
  if (answer.kind === 'done') knownProducts.add(productId);
  return answer;
}
