/**
 * Time as a dependency: now, monotonic time and timers. Only this file reads the machine's clock and sets its timers;
 * everything else takes a `Clock`, so that a test or a simulation can hold time still and drive it. Lint keeps it so.
 *
 * Wall time names moments that are stored; monotonic time measures how long something took.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export interface Timer {
  /** Does nothing once the timer has ended. */
  cancel(): void;
}

export interface TimerOptions {
  /** The process may end before the timer is due. */
  readonly unref?: boolean;
}

export interface SleepOptions extends TimerOptions {
  /** Ends the sleep early. */
  readonly signal?: AbortSignal;
}

export interface Clock {
  /** Wall clock; may jump, also backwards. */
  nowMs(): EpochMs;
  /** Never falls; its zero has no meaning. */
  monotonicMs(): number;
  /** Calls `run` once. */
  after(ms: number, run: () => void, options?: TimerOptions): Timer;
  /** Calls `run` again and again, first after `ms`. */
  every(ms: number, run: () => void, options?: TimerOptions): Timer;
  sleep(ms: number, options?: SleepOptions): Promise<void>;
  /** Calls `run` in the next turn of the event loop, behind the I/O of this one: what gathers until then goes together. */
  soon(run: () => void): void;
  /** The same as a promise. */
  nextTurn(): Promise<void>;
}

class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(timeout: NodeJS.Timeout, options: TimerOptions | undefined) {
    this.#timeout = timeout;
    if (options?.unref === true) timeout.unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout); // ends an interval, too
  }
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run, options) => new SystemTimer(setTimeout(run, ms), options),
  every: (ms, run, options) => new SystemTimer(setInterval(run, ms), options),
  sleep: (ms, options) => sleepBy(systemClock, ms, options),
  soon: (run) => void setImmediate(run),
  nextTurn: () => new Promise(setImmediate),
};

/** For clocks: a sleep made of a timer. */
export function sleepBy(clock: Pick<Clock, 'after'>, ms: number, options: SleepOptions = {}): Promise<void> {
  const { signal } = options;
  if (!signal) return new Promise((resolve) => void clock.after(ms, resolve, options));
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done, options);
    signal.addEventListener('abort', done);
  });
}
