/** Owns `GET /api/v1/stock/{productId}`: all warehouses at one moment, read-your-writes. */
import { stockEntity, type StockLevel } from '../stock.ts';
import { notFound, problemOfRead } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import type { Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { stockResponse } from './responses.ts';
import { entityTag } from '../../../http/entity-tag.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { productPath } from './requests.ts';
import { stockJson } from './stock-json.ts';
import { STOCK_ITEM } from './stock-problems.ts';

export const getStockOperation = defineOperation({
  id: 'getStock',
  method: 'GET',
  path: '/api/v1/stock/{productId}',
  access: 'staff',
  summary: 'The stock of one product.',
  responses: { 200: { description: 'The stock', schema: stockResponse } },
  problems: ['not_found'],
  handler: createGetStock,
});

function createGetStock({ actors, timeouts }: EdgeServices): Handler {
  return async (ctx) => {
    const { productId } = parseInput(productPath, ctx.params, 'The path');
    const ask = { to: stockEntity(productId), commandId: '', until: 'durable', timeoutMs: timeouts.readMs } as const;
    const answer = await actors.ask(ask);
    if (answer.kind !== 'done') throw problemOfRead(answer, STOCK_ITEM);
    const level = answer.value as StockLevel;
    if (!level.exists) throw notFound(STOCK_ITEM.name);
    answerJson(ctx, 200, stockJson(level), { ETag: entityTag(answer.version) });
  };
}
