/** How the cost of a piece of work grows with its input: tells linear work from quadratic without asking how fast it is. */

const FACTOR = 8;
const ROUNDS = 5;

/**
 * @returns how many times dearer eight times the input is: about 8 where the work is linear, 64 where it is quadratic.
 * The least of several rounds counts: others use the machine, too.
 */
export function growthOf(work: (size: number) => void, size: number): number {
  work(size);
  work(FACTOR * size);
  return (
    leastCpuOf(() => work(FACTOR * size)) /
    Math.max(
      1,
      leastCpuOf(() => work(size)),
    )
  );
}

/** Between the two, with room for what a larger input costs beside the work. */
export const GROWTH_OF_LINEAR_MAX = 28;

/** CPU time of this process in microseconds: waiting for others does not count. */
function leastCpuOf(work: () => void): number {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}
