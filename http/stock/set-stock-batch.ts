/**
 * Owns `POST /api/v1/stock/batch`: each item as its PUT, with a result of its own. An invalid body applies nothing;
 * a refused item does not stop the others. Under an Idempotency-Key each item has a command id of its own, so a batch
 * that broke off half-way is completed by sending it again.
 */
import PQueue from 'p-queue';
import type { Answer } from '../../actors/ask.ts';
import type { StockLevel } from '../../domain/stock/stock-item.ts';
import { problemOfAnswer, retryAfterSeconds } from '../answer-problems.ts';
import { answerJson } from '../answer.ts';
import type { Handler } from '../edge-context.ts';
import type { EdgeServices } from '../edge-services.ts';
import { idempotencyKeyOf } from '../idempotency.ts';
import { problemDocument, Problem, PROBLEMS } from '../problems.ts';
import { parseStockBatch, type StockBatchItem } from '../schemas/stock-requests.ts';
import { askToSetStock } from './set-stock.ts';
import { stockJson } from './stock-json.ts';

/** Enough to fill a group commit, too few to fill the mailboxes. */
const ASKS_AT_A_TIME_MAX = 256;

export function createSetStockBatch(services: EdgeServices): Handler {
  return async (ctx) => {
    const key = idempotencyKeyOf(ctx.req);
    const items = parseStockBatch(await services.bodies.readJson(ctx.req, ctx.state.principal));
    const asks = new PQueue({ concurrency: ASKS_AT_A_TIME_MAX });
    const ordinals = new Map<string, number>();
    // Started in the order of the items: for a product that stands twice the later item wins.
    const answers = await Promise.all(
      items.map((item) => {
        const ordinal = ordinals.get(item.productId) ?? 0;
        ordinals.set(item.productId, ordinal + 1);
        return asks.add(() => askToSetStock(services, ctx.state.principal, item.productId, item, key, ordinal));
      }),
    );
    if (answers.every(isNotApplied)) {
      const detail = 'No item could be applied now; send the batch again later.';
      throw new Problem('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() });
    }
    answerJson(ctx, 200, {
      results: answers.map((answer, index) => resultOf(answer, items[index], key !== undefined, ctx.state.requestId)),
    });
  };
}

function isNotApplied(answer: Answer): boolean {
  return answer.kind === 'failed' && (answer.code === 'overloaded' || answer.code === 'unavailable');
}

function resultOf(
  answer: Answer,
  item: StockBatchItem | undefined,
  keyed: boolean,
  requestId: string,
): Record<string, unknown> {
  const productId = item?.productId;
  if (answer.kind === 'done') return { productId, status: 200, stock: stockJson(answer.value as StockLevel) };
  const problem = problemOfAnswer(answer, 'stock item', { keyed });
  const context = { requestId, instance: `/api/v1/stock/${encodeURIComponent(productId ?? '')}` };
  return { productId, status: PROBLEMS[problem.code].status, problem: problemDocument(problem, context) };
}
