/** The arithmetic of overlapping times. */

/** How much of [from, to] the intervals cover together. */
export function coveredMs(intervals: readonly (readonly [number, number])[], from: number, to: number): number {
  let coveredTo = from;
  let sum = 0;
  for (const [start, end] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const begin = Math.max(start, coveredTo);
    const finish = Math.min(end, to);
    if (finish <= begin) continue;
    sum += finish - begin;
    coveredTo = finish;
  }
  return sum;
}
