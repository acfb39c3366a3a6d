/**
 * Whether this worker's renewals have stopped lately: it was frozen, or the database was away for it. It says so in its
 * row from the first renewal afterwards, so that every worker reads the same and nothing moves to it and back.
 *
 *   in time --no renewal for STALL_MS--> stalled --STALLED_FOR_MS after the last stall--> in time
 */
import type { Clock, EpochMs } from '../../kernel/clock.ts';

/**
 * Between two renewals. A quarter of a second less than what others see as silence (see reachable-group.ts): they use
 * the database's clock, and a member that they took for silent must not come back as one that never was.
 */
export const STALL_MS = 1_250;
/** Longer than peers need to count a worker as reached again, see peer-watch.ts. */
export const STALLED_FOR_MS = 10_000;

export class Stall {
  readonly #clock: Clock;
  #renewed: { readonly monotonicMs: number; readonly wallMs: EpochMs } | undefined;
  #untilMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param monotonicMs and `wallMs`: before the renewal was sent. */
  renewed(monotonicMs: number, wallMs: EpochMs): void {
    this.#renewed = { monotonicMs, wallMs };
  }

  /** Asked before each renewal. By the clock that went further: one of them stops while a machine sleeps. */
  hasStalled(): boolean {
    const now = this.#clock.monotonicMs();
    if (this.#renewed) {
      const { monotonicMs, wallMs } = this.#renewed;
      const gapMs = Math.max(now - monotonicMs, this.#clock.nowMs() - wallMs);
      if (gapMs >= STALL_MS) this.#untilMs = now + STALLED_FOR_MS;
    }
    return now < this.#untilMs;
  }
}
