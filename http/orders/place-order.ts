/**
 * Owns `POST /api/v1/orders`: makes the command, asks the order, answers. The order's id decides what a repetition
 * is: made from the Idempotency-Key it is the same order again, and the order itself recognises its own body.
 */
import type { Answer } from '../../actors/ask.ts';
import { orderEntity } from '../../domain/addresses.ts';
import type { Until } from '../../domain/decider.ts';
import type { OrderCommand, OrderLine, OrderState } from '../../domain/order/order.ts';
import { uuidV7 } from '../../kernel/ids.ts';
import { problemOfAnswer, problemOfRead } from '../answer-problems.ts';
import { answerJson } from '../answer.ts';
import type { Handler } from '../edge-context.ts';
import type { EdgeServices } from '../edge-services.ts';
import { entityTag } from '../entity-tag.ts';
import { idempotencyKeyOf, orderIdOfKey } from '../idempotency.ts';
import type { ProductLookup } from '../known-products.ts';
import { ERRORS_TOLD_MAX } from '../parse-input.ts';
import { preferredWaitSeconds } from '../prefer.ts';
import { Problem } from '../problems.ts';
import { parsePlaceOrder } from '../schemas/place-order-request.ts';
import { orderJson } from './order-json.ts';
import { orderTermsOf } from './order-terms.ts';

/** One command for each order, ever. */
const PLACE_COMMAND_ID = 'place';
const ALL_PRODUCTS_KNOWN: readonly string[] = [];

type Done = Extract<Answer, { kind: 'done' }>;

export function createPlaceOrder(services: EdgeServices): Handler {
  const { bodies, clock, idempotencyNamespace, knownProducts, shards } = services;

  return async (ctx) => {
    const { principal } = ctx.state;
    const startedAt = clock.nowMs();
    const key = idempotencyKeyOf(ctx.req);
    const request = parsePlaceOrder(await bodies.readJson(ctx.req));
    const terms = orderTermsOf(request, principal, services.reservationTtlMs);
    const keyed = key !== undefined;
    const orderId = keyed ? orderIdOfKey(idempotencyNamespace, principal, key) : uuidV7(startedAt);
    const lookup = await knownProducts.lookUp(terms.lines);
    const unknownProducts = await unknownProductsOf(services, lookup, orderId, keyed, terms.lines);
    const waitSeconds = preferredWaitSeconds(ctx.headers['prefer']);
    const command: OrderCommand = { type: 'PlaceOrder', terms, unknownProducts };
    const { answer, repeated } = await askToPlace(services, orderId, command, waitSeconds);
    if (answer.kind === 'rejected' && answer.refusal.code === 'unknown_product') {
      throw unknownProduct(unknownProducts, terms.lines);
    }
    if (answer.kind !== 'done') throw problemOfAnswer(answer, 'order', { keyed, orderId });
    const state = answer.value as Exclude<OrderState, { status: 'Absent' }>;
    answerJson(ctx, 201, orderJson(state, answer.version, answer.origin, shards), {
      Location: `/api/v1/orders/${orderId}`,
      ETag: entityTag(answer.version),
      ...(waitSeconds !== undefined && { 'Preference-Applied': `wait=${waitSeconds}` }),
      ...(keyed && isReplay(answer, repeated, state.createdAt, startedAt) && { 'Idempotent-Replayed': 'true' }),
    });
  };
}

/** After a repetition of our own, `replayed` says nothing about the caller; then the order's age tells. */
function isReplay(answer: Done, repeated: boolean, createdAt: number, startedAt: number): boolean {
  return answer.replayed && (!repeated || createdAt < startedAt);
}

/**
 * What the order is to judge after it has looked whether it is known. Without a key it can't be known, so an unknown
 * product is refused at once.
 * @throws Problem unknown_product; overloaded, unavailable.
 */
async function unknownProductsOf(
  { actors, timeouts }: EdgeServices,
  lookup: ProductLookup,
  orderId: string,
  keyed: boolean,
  lines: readonly OrderLine[],
): Promise<readonly string[]> {
  if (lookup.kind === 'known') return ALL_PRODUCTS_KNOWN;
  if (lookup.kind === 'unknown') {
    if (!keyed) throw unknownProduct(lookup.productIds, lines);
    return lookup.productIds;
  }
  if (keyed) {
    // A known key is recognised before stock is judged, so also while stock can't be asked.
    const ask = { to: orderEntity(orderId), commandId: '', until: 'durable', timeoutMs: timeouts.readMs } as const;
    const known = await actors.ask(ask);
    if (known.kind === 'done' && (known.value as OrderState).status !== 'Absent') return ALL_PRODUCTS_KNOWN;
  }
  throw problemOfRead(lookup.answer, 'stock of a product');
}

/**
 * Asks until the order is durable, or until it is at rest where the caller waits for that. When the wait ends, or the
 * worker that was asked dies, the outcome is asked for once more with the same command: it makes no second order, and
 * an order that is durable is never answered as unknown.
 */
async function askToPlace(
  services: EdgeServices,
  orderId: string,
  command: OrderCommand,
  waitSeconds: number | undefined,
) {
  const { actors, clock, timeouts } = services;
  const ask = (until: Until, timeoutMs: number): Promise<Answer> =>
    actors.ask({ to: orderEntity(orderId), command, commandId: PLACE_COMMAND_ID, until, timeoutMs });

  const startedMs = clock.monotonicMs();
  const first =
    waitSeconds === undefined ? await ask('durable', timeouts.commandMs) : await ask('settled', waitSeconds * 1000);
  if (first.kind !== 'failed' || first.code !== 'outcome_unknown') return { answer: first, repeated: false };
  const leftMs =
    waitSeconds === undefined ? timeouts.commandMs - (clock.monotonicMs() - startedMs) : timeouts.commandMs;
  if (leftMs < timeouts.commandMs / 2) return { answer: first, repeated: false };
  const second = await ask('durable', leftMs);
  return { answer: second.kind === 'failed' ? first : second, repeated: true };
}

function unknownProduct(productIds: readonly string[], lines: readonly OrderLine[]): Problem {
  const unknown = new Set(productIds);
  const detail = 'never had stock; check the productId, upper and lower case matter';
  const errors = lines.flatMap(({ productId }, index) =>
    unknown.has(productId) ? [{ pointer: `/orderLines/${index}/productId`, code: 'unknown_product', detail }] : [],
  );
  const count = unknown.size === 1 ? 'A product' : `${unknown.size} products`;
  return new Problem('unknown_product', `${count} of this order never had stock.`, {
    errors: errors.slice(0, ERRORS_TOLD_MAX),
  });
}
