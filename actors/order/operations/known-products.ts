/**
 * Owns the memory of products that have stock entities. A product that was stocked once exists from then on, so "yes"
 * is remembered and "no" is always asked again. It judges nothing: an order's own decision does (ARCHITECTURE.md
 * section 4).
 */
import PQueue from 'p-queue';
import type { Actors, Answer } from '../../../runtime/ask.ts';
import { stockEntity, type StockLevel } from '../../stock/stock.ts';
import { BoundedCache } from '../../../http/bounded-cache.ts';

const KNOWN_MAX = 100_000;
/** An order of 2,000 new products must not fill the mailboxes of the stock items by itself. */
const ASKS_AT_A_TIME_MAX = 64;

export type ProductLookup =
  | { readonly kind: 'known' }
  /** In the order in which the products were given. */
  | { readonly kind: 'unknown'; readonly productIds: readonly string[] }
  /** Some could not be asked; nothing was applied. */
  | { readonly kind: 'failed'; readonly answer: Extract<Answer, { kind: 'failed' }> };

const ALL_KNOWN: ProductLookup = { kind: 'known' };

export class KnownProducts {
  readonly #actors: Actors;
  readonly #timeoutMs: number;
  readonly #known = new BoundedCache<true>(KNOWN_MAX);
  readonly #asks = new PQueue({ concurrency: ASKS_AT_A_TIME_MAX });
  /** Asks under way: many orders for one new product ask once. */
  readonly #underWay = new Map<string, Promise<Answer>>();

  constructor(actors: Actors, timeoutMs: number) {
    this.#actors = actors;
    this.#timeoutMs = timeoutMs;
  }

  /** Without a wait where all are known. Never rejects. */
  lookUp(lines: readonly { readonly productId: string }[]): ProductLookup | Promise<ProductLookup> {
    let misses: Set<string> | undefined;
    for (const { productId } of lines) {
      if (this.#known.get(productId) === undefined) (misses ??= new Set()).add(productId);
    }
    return misses === undefined ? ALL_KNOWN : this.#askFor([...misses]);
  }

  async #askFor(productIds: readonly string[]): Promise<ProductLookup> {
    const answers = await Promise.all(productIds.map((productId) => this.#ask(productId)));
    const unknown: string[] = [];
    let failure: ProductLookup | undefined;
    answers.forEach((answer, index) => {
      const productId = productIds[index] ?? '';
      if (answer.kind === 'failed') failure ??= { kind: 'failed', answer };
      else if (answer.kind === 'done' && (answer.value as StockLevel).exists) this.#known.set(productId, true);
      else unknown.push(productId);
    });
    if (failure !== undefined) return failure;
    return unknown.length === 0 ? ALL_KNOWN : { kind: 'unknown', productIds: unknown };
  }

  #ask(productId: string): Promise<Answer> {
    const underWay = this.#underWay.get(productId);
    if (underWay !== undefined) return underWay;
    const ask = { to: stockEntity(productId), commandId: '', until: 'durable', timeoutMs: this.#timeoutMs } as const;
    const answer = this.#asks.add(() => this.#actors.ask(ask)).finally(() => this.#underWay.delete(productId));
    this.#underWay.set(productId, answer);
    return answer;
  }
}
