/**
 * Places an order, for HTTP and for messages: looks up what the order is to judge, asks the order, and asks it once more
 * where the answer was lost. Knows nothing of requests and messages.
 */
import type { Answer } from '../../../runtime/ask.ts';
import type { Until } from '../../../kernel/decider.ts';
import { orderEntity, type OrderCommand, type OrderState, type OrderTerms } from '../order.ts';
import { problemOfRead } from '../../../http/answer-problems.ts';
import type { CommandSource } from '../../../http/command-source.ts';
import type { ProductLookup } from './known-products.ts';
import { applied, type AppliedCommand } from './command.ts';
import { unknownProduct } from './order-problems.ts';
import type { OrderServices } from './order-services.ts';

/** Stored: an order has one placing. */
export const PLACE_COMMAND_ID = 'place';
const STOCK_OF_PRODUCT = { name: 'stock of a product' };
const ALL_PRODUCTS_KNOWN: readonly string[] = [];

interface Placement {
  readonly orderId: string;
  readonly terms: OrderTerms;
  /** The id is made from what the caller sends again: the order may be known. */
  readonly keyed: boolean;
  /** As the caller calls its key, see AskContext. */
  readonly keyName?: string;
  /** How long to wait for the order to be at rest; undefined: durable is enough. */
  readonly settleWithinMs: number | undefined;
  readonly source: CommandSource;
  /** Given where another command may claim the id, see claim-id.ts: this one differs from those by it. */
  readonly fingerprint?: string;
}

interface AskedToPlace {
  readonly command: OrderCommand;
  readonly fingerprint: string | undefined;
}

/** @throws Problem unknown_product, idempotency_mismatch; overloaded, unavailable, outcome_unknown, validation_failed. */
export async function placeOrder(services: OrderServices, placement: Placement): Promise<AppliedCommand> {
  const { orderId, terms, settleWithinMs, source, fingerprint } = placement;
  const lookup = await services.knownProducts.lookUp(terms.lines);
  const unknownProducts = await judgedProducts(services, lookup, placement);
  const command: OrderCommand = { type: 'PlaceOrder', terms, unknownProducts };
  const { answer, repeated } = await askToPlace(services, { orderId, command, fingerprint, source }, settleWithinMs);
  if (answer.kind === 'rejected' && answer.refusal.code === 'unknown_product') {
    throw unknownProduct(unknownProducts, terms.lines);
  }
  return applied(answer, repeated, placement);
}

/**
 * The unknown products, which the order is to judge after it has looked whether it is known itself. Without a key it can't be known, so an unknown
 * product is refused at once.
 * @throws Problem unknown_product; overloaded, unavailable.
 */
async function judgedProducts(
  { actors, timeouts }: OrderServices,
  lookup: ProductLookup,
  { orderId, keyed, terms }: Placement,
): Promise<readonly string[]> {
  if (lookup.kind === 'known') return ALL_PRODUCTS_KNOWN;
  if (lookup.kind === 'unknown') {
    if (!keyed) throw unknownProduct(lookup.productIds, terms.lines);
    return lookup.productIds;
  }
  if (keyed) {
    // A known key is recognised before stock is judged, so also while stock can't be asked.
    const ask = { to: orderEntity(orderId), commandId: '', until: 'durable', timeoutMs: timeouts.readMs } as const;
    const known = await actors.ask(ask);
    if (known.kind === 'done' && (known.value as OrderState).status !== 'Absent') return ALL_PRODUCTS_KNOWN;
  }
  throw problemOfRead(lookup.answer, STOCK_OF_PRODUCT);
}

/**
 * Asks until the order is durable, or until it is at rest where the caller waits for that. When the wait ends, or the
 * worker that was asked dies, the outcome is asked for once more with the same command: it makes no second order, and
 * an order that is durable is never answered as unknown.
 */
async function askToPlace(
  services: OrderServices,
  { orderId, command, fingerprint, source }: Pick<Placement, 'orderId' | 'source'> & AskedToPlace,
  settleWithinMs: number | undefined,
) {
  const { actors, clock, timeouts } = services;
  const { traceparent, condition, by } = source;
  const ask = (until: Until, timeoutMs: number): Promise<Answer> =>
    actors.ask({
      to: orderEntity(orderId),
      command,
      commandId: PLACE_COMMAND_ID,
      fingerprint,
      traceparent,
      condition,
      by,
      until,
      timeoutMs,
    });

  const startedMs = clock.monotonicMs();
  const first =
    settleWithinMs === undefined ? await ask('durable', timeouts.commandMs) : await ask('settled', settleWithinMs);
  if (first.kind !== 'failed' || first.code !== 'outcome_unknown') return { answer: first, repeated: false };
  const leftMs =
    settleWithinMs === undefined ? timeouts.commandMs - (clock.monotonicMs() - startedMs) : timeouts.commandMs;
  if (leftMs < timeouts.commandMs / 2) return { answer: first, repeated: false };
  const second = await ask('durable', leftMs);
  return { answer: second.kind === 'failed' ? first : second, repeated: true };
}
