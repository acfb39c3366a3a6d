/**
 * Decides which of many equal failures gets a line: the first one at once, the others as a count at the end of each
 * window while they last.
 *
 *   unknown --occurred--> first, said at once --more within the window--> counted --window over--> summed up, next window
 *                                             '--none within the window--> unknown
 */
import type { Clock } from './clock.ts';

/** The first window; an outage of seconds is then one line and one summary. */
const FIRST_WINDOW_MS = 10_000;
/** A longer failure is reported once a minute. */
const LATER_WINDOW_MS = 60_000;
/** Causes remembered at a time. Beyond that every line is written: a flood of different lines is no repetition. */
const CAUSES_MAX = 200;

export interface RepeatedCause<T> {
  /** Occurrences since its last line. */
  readonly times: number;
  readonly seconds: number;
  /** What came with the last of them. */
  readonly last: T;
}

interface Window<T> {
  startMs: number;
  lengthMs: number;
  times: number;
  last: T;
}

export class RepeatedCauses<T> {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #windows = new Map<string, Window<T>>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** True: it is new, so write it now. False: it was written lately and is counted. */
  occurred(cause: string, detail: T): boolean {
    const window = this.#windows.get(cause);
    if (window) {
      window.times++;
      window.last = detail;
      return false;
    }
    if (this.#windows.size < CAUSES_MAX) {
      this.#windows.set(cause, {
        startMs: this.#clock.monotonicMs(),
        lengthMs: FIRST_WINDOW_MS,
        times: 0,
        last: detail,
      });
    }
    return true;
  }

  /**
   * The causes that repeated in the windows that are over.
   * @param all also those of windows that are not over.
   */
  takeDue(all = false): RepeatedCause<T>[] {
    const now = this.#clock.monotonicMs();
    const due: RepeatedCause<T>[] = [];
    for (const [cause, window] of this.#windows) {
      const { startMs, lengthMs, times, last } = window;
      if (!all && now - startMs < lengthMs) continue;
      if (times === 0) {
        this.#windows.delete(cause);
        continue;
      }
      due.push({ times, seconds: Math.round((now - startMs) / 1_000), last });
      Object.assign(window, { startMs: now, lengthMs: LATER_WINDOW_MS, times: 0 });
    }
    return due;
  }

  get isEmpty(): boolean {
    return this.#windows.size === 0;
  }
}
