/** The totals of a set of orders: the same sums over the file, the order view and the journal, for comparison. */
export interface CountedLine {
  readonly productId: string;
  readonly quantity: number;
  /** Pence. */
  readonly unitPrice: number;
}

export interface CountedOrder {
  readonly customerId: string;
  readonly country: string;
  readonly lines: readonly CountedLine[];
}

export class OrderTotals {
  orders = 0;
  lines = 0;
  units = 0;
  /** Pence. */
  gross = 0;
  linesMax = 0;
  readonly #customers = new Set<string>();
  readonly #grossByCountry = new Map<string, number>();
  readonly #unitsBySku = new Map<string, number>();

  add({ customerId, country, lines }: CountedOrder): void {
    let gross = 0;
    for (const { productId, quantity, unitPrice } of lines) {
      gross += quantity * unitPrice;
      this.units += quantity;
      this.#unitsBySku.set(productId, (this.#unitsBySku.get(productId) ?? 0) + quantity);
    }
    this.orders++;
    this.lines += lines.length;
    this.gross += gross;
    this.linesMax = Math.max(this.linesMax, lines.length);
    this.#customers.add(customerId);
    this.#grossByCountry.set(country, (this.#grossByCountry.get(country) ?? 0) + gross);
  }

  get customers(): number {
    return this.#customers.size;
  }
  get skus(): number {
    return this.#unitsBySku.size;
  }
  get grossByCountry(): ReadonlyMap<string, number> {
    return this.#grossByCountry;
  }
  get unitsBySku(): ReadonlyMap<string, number> {
    return this.#unitsBySku;
  }
}

export type Ranking = readonly (readonly [name: string, value: number])[];

/** The greatest values first; equal ones in the order of their names. */
export function topOf(values: ReadonlyMap<string, number>, length: number): Ranking {
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...values].sort(([nameA, a], [nameB, b]) => b - a || byName(nameA, nameB)).slice(0, length);
}

/** True if `ranking` is a valid beginning of the ranking of `values`; equal values may come in any order. */
export function ranksRight(ranking: Ranking, values: ReadonlyMap<string, number>): boolean {
  const right = topOf(values, ranking.length);
  const names = new Set(ranking.map(([name]) => name));
  return (
    right.length === ranking.length &&
    names.size === ranking.length &&
    ranking.every(([name, value], place) => values.get(name) === value && right[place]?.[1] === value)
  );
}
