/** Owns `PUT /api/v1/stock/{productId}`: sets what lies in one warehouse, and creates the product's stock. */
import type { Answer } from '../../../runtime/ask.ts';
import { stockEntity, type StockCommand, type StockLevel } from '../stock.ts';
import { problemOfAnswer } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import { commandSourceOf, type CommandSource } from '../../../http/command-source.ts';
import type { Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { stockResponse } from './responses.ts';
import { entityTag } from '../../../http/entity-tag.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf, type CommandName } from '../../../http/idempotency.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { productPath, setStockRequest, type SetStockRequest } from './requests.ts';
import { stockJson } from './stock-json.ts';
import { STOCK_ITEM } from './stock-problems.ts';

export const setStockOperation = defineOperation({
  id: 'setStock',
  method: 'PUT',
  path: '/api/v1/stock/{productId}',
  access: 'admin',
  summary: 'Set what lies in a warehouse; creates the product where it had no stock before.',
  body: setStockRequest,
  example: { onHand: 100, lowStockThreshold: 10 },
  headers: ['Idempotency-Key'],
  responses: { 200: { description: 'The stock after it', schema: stockResponse } },
  problems: ['illegal_transition', 'idempotency_mismatch', 'idempotency_key_invalid', 'outcome_unknown'],
  handler: createSetStock,
});

function createSetStock(services: EdgeServices): Handler {
  const { clock, idempotencyNamespace } = services;
  return async (ctx) => {
    const { productId } = parseInput(productPath, ctx.params, 'The path');
    const key = idempotencyKeyOf(ctx.req);
    const request = parseInput(setStockRequest, await services.bodies.readJson(ctx.req, ctx.state.principal));
    const source = commandSourceOf(ctx);
    const name =
      key === undefined
        ? commandNameOf(clock.nowMs(), source.condition)
        : commandNameOfKey(idempotencyNamespace, ctx.state.principal, targetOf(productId), key, levelOf(request));
    const answer = await askToSetStock(services, productId, request, name, source);
    if (answer.kind !== 'done') throw problemOfAnswer(answer, STOCK_ITEM, { keyed: key !== undefined });
    const replayed = key !== undefined && answer.replayed;
    answerJson(ctx, 200, stockJson(answer.value as StockLevel), {
      ETag: entityTag(answer.version),
      ...(replayed && { 'Idempotent-Replayed': 'true' }),
    });
  };
}

/** Its text is part of stored command ids. */
const targetOf = (productId: string): string => `PUT stock ${productId} 0`;

/** What is set, without the product: the content of a request under a key. */
export function levelOf({ lowStockThreshold, onHand, warehouseId }: SetStockRequest) {
  return { lowStockThreshold, onHand, warehouseId };
}

export function askToSetStock(
  { actors, timeouts }: EdgeServices,
  productId: string,
  { lowStockThreshold, onHand, warehouseId }: SetStockRequest,
  name: CommandName,
  source: CommandSource,
): Promise<Answer> {
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
    ...source,
    // Without a fingerprint the item can't recognise it, and a second sending could undo what was set in between.
    ...(name.fingerprint === undefined && ({ once: true } as const)),
    until: 'durable',
    timeoutMs: timeouts.commandMs,
  } as const;
  return actors.ask(ask);
}
