/** Time that moves only when a test says so. */
import type { Clock, EpochMs } from '../../kernel/clock.ts';

const MANUAL_CLOCK_START: EpochMs = Date.UTC(2026, 0, 15, 12);

export class ManualClock implements Clock {
  #now = MANUAL_CLOCK_START;
  #monotonic = 0;

  nowMs(): EpochMs {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** As a time server may do: the wall clock alone, also backwards. */
  jump(ms: number): void {
    this.#now += ms;
  }
}
