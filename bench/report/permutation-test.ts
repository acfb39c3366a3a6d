/**
 * Tests whether two samples differ by more than chance: the two-sided permutation test on the difference of means
 * (Fisher 1935, Pitman 1937). It assumes nothing about how rounds are distributed, which a handful could not show.
 */
import { sum } from '../statistics.ts';
import { mulberry32 } from '../../kernel/mulberry32.ts';

/** Up to so many ways to split the values, all are tried. */
const EXACT_WAYS_MAX = 20_000;
const SAMPLED_WAYS = 20_000;
const SEED = 19350617;
/** Relative to the values: two ways of adding the same numbers up differ by less. */
const ROUNDING = 1e-9;

/**
 * How likely a difference at least as great is, had all values come from one and the same source. Of many values the
 * ways are drawn, with the real one among them, so that no p is 0 (Phipson and Smyth 2010).
 *
 * @throws for no values on a side
 */
export function permutationTest(first: readonly number[], second: readonly number[]): number {
  if (first.length === 0 || second.length === 0) throw new Error('a test needs values on both sides');
  const values = [...first, ...second];
  const total = sum(values);
  const difference = (sumOfFirst: number) => Math.abs(sumOfFirst / first.length - (total - sumOfFirst) / second.length);
  const observed = difference(sum(first)) - ROUNDING * Math.max(...values.map(Math.abs));
  const isAsGreat = (sumOfFirst: number) => difference(sumOfFirst) >= observed;
  const ways = waysToChoose(first.length, values.length);
  if (ways <= EXACT_WAYS_MAX) return countOf(sumsOfAllChoices(values, first.length), isAsGreat) / ways;
  return (countOf(sumsOfDrawnChoices(values, first.length), isAsGreat) + 1) / (SAMPLED_WAYS + 1);
}

/** The smallest p that so many values against so many can give, whatever they are. */
export function smallestP(firstCount: number, secondCount: number): number {
  // Of sides of the same size, the extreme one way has a mirror image that is as extreme the other way.
  return (firstCount === secondCount ? 2 : 1) / waysToChoose(firstCount, firstCount + secondCount);
}

function waysToChoose(chosen: number, count: number): number {
  let ways = 1;
  for (let index = 1; index <= chosen; index++) ways = (ways * (count - chosen + index)) / index;
  return Math.round(ways);
}

function* sumsOfAllChoices(values: readonly number[], chosen: number, from = 0, sumSoFar = 0): Generator<number> {
  if (chosen === 0) {
    yield sumSoFar;
    return;
  }
  for (let index = from; index <= values.length - chosen; index++) {
    yield* sumsOfAllChoices(values, chosen - 1, index + 1, sumSoFar + values[index]!);
  }
}

function* sumsOfDrawnChoices(values: readonly number[], chosen: number): Generator<number> {
  const random = mulberry32(SEED);
  const shuffled = [...values];
  for (let way = 0; way < SAMPLED_WAYS; way++) {
    for (let index = 0; index < chosen; index++) {
      const other = index + Math.floor(random() * (shuffled.length - index));
      [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
    }
    yield sum(shuffled.slice(0, chosen));
  }
}

function countOf(sums: Iterable<number>, isCounted: (sum: number) => boolean): number {
  let count = 0;
  for (const each of sums) if (isCounted(each)) count++;
  return count;
}
