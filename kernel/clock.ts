/**
 * Time as a dependency. Code below `main.ts` reads the machine's clock only through this port, so that tests can stop
 * time. Wall time names moments that are stored; monotonic time measures how long something took.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export interface Clock {
  /** Wall clock; may jump, also backwards. */
  nowMs(): EpochMs;
  /** Never falls; its zero has no meaning. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
