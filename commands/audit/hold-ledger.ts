/**
 * Compares the holds that reservations say they have with the holds that stock items say are open, without keeping
 * either: per product the number, the units and two order-independent sums of hashes over (reservation, units). Equal
 * sums mean equal sets but for a chance of 1 in 2^64; unequal ones are named by a second look (name-holds.ts).
 *
 * Reservations that are just being made or released have holds that nobody can expect: they are excused.
 */
import type { ReservedItem } from '../../actors/reservation/reservation.ts';
import type { OpenHold } from '../../actors/stock/hold-table.ts';
import { FingerprintSet, hashes } from './fingerprint-set.ts';

export interface HoldSum {
  readonly holds: number;
  readonly units: number;
}

class Sum {
  holds = 0;
  units = 0;
  #a = 0;
  #b = 0;

  add(reservationId: string, quantity: number): void {
    const [a, b] = hashes(`${reservationId}/${quantity}`);
    this.holds++;
    this.units += quantity;
    this.#a = (this.#a + a) >>> 0;
    this.#b = (this.#b + b) >>> 0;
  }

  equals(other: Sum): boolean {
    return this.holds === other.holds && this.units === other.units && this.#a === other.#a && this.#b === other.#b;
  }
}

export class HoldLedger {
  readonly #expected = new Map<string, Sum>();
  readonly #excused = new FingerprintSet();

  /** The reservation holds these items, and stock must know each of them. */
  expect(reservationId: string, items: readonly ReservedItem[]): void {
    for (const [productId, quantity] of items) {
      let sum = this.#expected.get(productId);
      if (!sum) this.#expected.set(productId, (sum = new Sum()));
      sum.add(reservationId, quantity);
    }
  }

  /** Whatever stock says of this reservation is neither right nor wrong. */
  excuse(reservationId: string): void {
    this.#excused.add(reservationId);
  }

  isExcused(reservationId: string): boolean {
    return this.#excused.has(reservationId);
  }

  /** Compares a product's open holds, once. @returns what was expected and found where they differ. */
  settle(
    productId: string,
    holds: Iterable<readonly [string, OpenHold]>,
  ): { expected: HoldSum; found: HoldSum } | undefined {
    const expected = this.#expected.get(productId) ?? new Sum();
    this.#expected.delete(productId);
    const found = new Sum();
    for (const [reservationId, { quantity }] of holds) {
      if (!this.isExcused(reservationId)) found.add(reservationId, quantity);
    }
    return found.equals(expected) ? undefined : { expected, found };
  }

  /** The product's holds can't be known: compares nothing. */
  forget(productId: string): void {
    this.#expected.delete(productId);
  }

  /** What reservations hold of products that were never settled. */
  unsettled(): ReadonlyMap<string, HoldSum> {
    return this.#expected;
  }
}
