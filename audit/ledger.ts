/**
 * Compares what entities of one kind say that others hold for them with what these hold, without keeping either: per
 * holder the number, the amounts and two order-independent sums of hashes over (contributor, amount). Equal sums mean
 * equal sets but for a chance of 1 in 2^64; unequal ones are named by a second look (name-claims.ts).
 *
 * A contributor whose contributions are just moving can't be compared: it is excused.
 */
import type { Claim, Contribution, LedgerSum } from './audit-definition.ts';
import { FingerprintSet, hashes } from './fingerprint-set.ts';

class Sum {
  count = 0;
  amount = 0;
  #a = 0;
  #b = 0;

  add(contributor: string, amount: number): void {
    const [a, b] = hashes(`${contributor}/${amount}`);
    this.count++;
    this.amount += amount;
    this.#a = (this.#a + a) >>> 0;
    this.#b = (this.#b + b) >>> 0;
  }

  equals(other: Sum): boolean {
    return this.count === other.count && this.amount === other.amount && this.#a === other.#a && this.#b === other.#b;
  }
}

export class Ledger {
  readonly #expected = new Map<string, Sum>();
  readonly #excused = new FingerprintSet();

  /** The holders of these keys must know each of them. */
  expect(contributor: string, contributions: readonly Contribution[]): void {
    for (const [key, amount] of contributions) {
      let sum = this.#expected.get(key);
      if (!sum) this.#expected.set(key, (sum = new Sum()));
      sum.add(contributor, amount);
    }
  }

  /** What is held for this contributor is neither right nor wrong. */
  excuse(contributor: string): void {
    this.#excused.add(contributor);
  }

  isExcused(contributor: string): boolean {
    return this.#excused.has(contributor);
  }

  /** Compares what one holder has open, once. @returns what was expected and found where they differ. */
  settle(key: string, open: Iterable<Claim>): { expected: LedgerSum; found: LedgerSum } | undefined {
    const expected = this.#expected.get(key) ?? new Sum();
    this.#expected.delete(key);
    const found = new Sum();
    for (const [contributor, amount] of open) {
      if (!this.isExcused(contributor)) found.add(contributor, amount);
    }
    return found.equals(expected) ? undefined : { expected, found };
  }

  /** What this holder has open can't be known: compares nothing. */
  forget(key: string): void {
    this.#expected.delete(key);
  }

  /** What is expected of holders that were never settled, by their routing keys. */
  unsettled(): ReadonlyMap<string, LedgerSum> {
    return this.#expected;
  }
}
