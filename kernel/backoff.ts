/** How long to wait before the next try: exponential, with full jitter over its upper half so that many don't meet. */

const FIRST_PAUSE_MS = 50;
const PAUSE_MAX_MS = 30_000;

/** @param attempt from 0. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 20));
  return ceiling / 2 + (random() * ceiling) / 2;
}
