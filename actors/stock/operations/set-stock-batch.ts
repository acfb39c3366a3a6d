/**
 * Owns `POST /api/v1/stock/batch`: each item as its PUT, with a result of its own. An invalid body applies nothing;
 * a refused item does not stop the others. An Idempotency-Key is claimed for the whole body first, and under it each
 * item has a command id of its own, so a batch that broke off half-way is completed by sending it again.
 */
import PQueue from 'p-queue';
import type { Answer } from '../../../runtime/ask.ts';
import type { Precondition } from '../../../runtime/precondition.ts';
import { DEMO_PRODUCT_ID, type StockLevel } from '../stock.ts';
import { problemOfAnswer, retryAfterSeconds } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import type { Principal } from '../../../http/authenticator.ts';
import { claimId } from '../../../http/claim-id.ts';
import { commandSourceOf, type CommandSource } from '../../../http/command-source.ts';
import type { Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { stockBatchResponse } from './responses.ts';
import {
  claimIdOfKey,
  commandNameOf,
  commandNameOfKey,
  idempotencyKeyOf,
  type CommandName,
} from '../../../http/idempotency.ts';
import { canonicalJson } from '../../../kernel/canonical-json.ts';
import { sha256 } from '../../../kernel/sha256.ts';
import { problemDocument, Problem } from '../../../http/problems.ts';
import { parseStockBatch, stockBatchRequest, type StockBatchItem } from './requests.ts';
import { askToSetStock, levelOf } from './set-stock.ts';
import { stockJson } from './stock-json.ts';
import { STOCK_ITEM } from './stock-problems.ts';

export const setStockBatchOperation = defineOperation({
  id: 'setStockBatch',
  method: 'POST',
  path: '/api/v1/stock/batch',
  access: 'admin',
  summary: 'Set the stock of many products, each item as its PUT.',
  body: stockBatchRequest,
  example: { items: [{ productId: DEMO_PRODUCT_ID, onHand: 100, lowStockThreshold: 10 }] },
  headers: ['Idempotency-Key'],
  responses: { 200: { description: 'A result per item, in their order', schema: stockBatchResponse } },
  problems: ['idempotency_key_invalid', 'idempotency_mismatch', 'outcome_unknown'],
  handler: createSetStockBatch,
});

const TARGET = 'POST /api/v1/stock/batch';
/** Enough to fill a group commit, too few to fill the mailboxes. */
const ASKS_AT_A_TIME_MAX = 256;

function createSetStockBatch(services: EdgeServices): Handler {
  return async (ctx) => {
    const key = idempotencyKeyOf(ctx.req);
    const items = parseStockBatch(await services.bodies.readJson(ctx.req, ctx.state.principal));
    const source = commandSourceOf(ctx);
    refuseTags(source.condition);
    const { principal, requestId } = ctx.state;
    const sentBefore = key !== undefined && (await claimBatch(services, principal, key, items, source));
    const nameOf = namer(services, principal, key, source.condition);
    const asks = new PQueue({ concurrency: ASKS_AT_A_TIME_MAX });
    // Started in the order of the items: for a product that stands twice the later item wins.
    const answers = await Promise.all(
      items.map((item) => {
        const name = nameOf(item);
        return asks.add(() => askToSetStock(services, item.productId, item, name, source));
      }),
    );
    if (answers.every(isNotApplied)) {
      const detail = 'No item could be applied now; send the batch again later.';
      throw new Problem('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() });
    }
    const results = answers.map((answer, index) => resultOf(answer, items[index], key !== undefined, requestId));
    // The key is bound before the items are asked: an item that was refused then may be applied now.
    const replayed = sentBefore && answers.every((answer) => answer.kind === 'done' && answer.replayed);
    answerJson(ctx, 200, { results }, replayed ? { 'Idempotent-Replayed': 'true' } : {});
  };
}

/** @returns whether this batch was sent before under the key. @throws Problem idempotency_mismatch where another was. */
function claimBatch(
  services: EdgeServices,
  principal: Principal,
  key: string,
  items: readonly StockBatchItem[],
  source: CommandSource,
): Promise<boolean> {
  const id = claimIdOfKey(services.idempotencyNamespace, principal, TARGET, key);
  return claimId(services, { id, fingerprint: sha256(canonicalJson(items)), source });
}

/** Names the command of one item after the other; a product may stand several times. */
function namer(
  { clock, idempotencyNamespace }: EdgeServices,
  principal: Principal,
  key: string | undefined,
  condition: Precondition | undefined,
): (item: StockBatchItem) => CommandName {
  const ordinals = new Map<string, number>();
  return (item) => {
    if (key === undefined) return commandNameOf(clock.nowMs(), condition);
    const ordinal = ordinals.get(item.productId) ?? 0;
    ordinals.set(item.productId, ordinal + 1);
    const target = `${TARGET} ${ordinal} ${item.productId}`;
    return commandNameOfKey(idempotencyNamespace, principal, target, key, levelOf(item));
  };
}

/** A tag is one product's; that items are to be new, or to exist, can be asked of all. @throws Problem validation_failed. */
function refuseTags({ ifMatch, ifNoneMatch }: Precondition = {}): void {
  if (typeof (ifMatch ?? '*') === 'string' && typeof (ifNoneMatch ?? '*') === 'string') return;
  const pointer = typeof ifMatch === 'object' ? 'If-Match' : 'If-None-Match';
  const detail = 'may only be "*" here, because a tag belongs to one product; set products one by one to use tags';
  const errors = [{ pointer, code: 'invalid_value', detail }];
  throw new Problem('validation_failed', `${pointer} ${detail}.`, { errors });
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
  const problem = problemOfAnswer(answer, STOCK_ITEM, { keyed });
  const context = { requestId, instance: `/api/v1/stock/${encodeURIComponent(productId ?? '')}` };
  return { productId, status: problem.kind.status, problem: problemDocument(problem, context) };
}
