/** The arithmetic of reports. Pure; nothing is rounded here. */

/** 0 for none. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The middle of an odd number of values, the mean of the two in the middle of an even one. @throws for none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('the median of no values');
  return (lower + upper) / 2;
}

/**
 * The nearest-rank percentile: the smallest value that at least `percent` of all values do not exceed.
 *
 * @param sorted ascending
 * @throws for no values
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new Error('a percentile of no values');
  return value;
}

export interface LatencySummary {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface RatioSummary {
  /** Of the medians. */
  readonly ratio: number;
  /** Of each round with the other side's same round. */
  readonly lowest: number;
  readonly highest: number;
}

/** How many times `first` is `second`. @throws for no rounds, or where their numbers differ */
export function compareRounds(first: readonly number[], second: readonly number[]): RatioSummary {
  if (first.length !== second.length) throw new Error('both sides must have the same number of rounds');
  const ratios = first.map((value, round) => value / second[round]!);
  return { ratio: median(first) / median(second), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}
