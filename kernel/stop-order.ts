/**
 * How a process ends: its parts are stopped in the reverse order of their start, and a part that hangs does not keep
 * the rest from stopping. A stop during a start ends the start first, so that no part is started after its stop.
 */
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';

/** A part that takes longer is stuck, because a database or broker does not answer. */
const STEP_MS_MAX = 3_000;
/** When the time is up each part still gets a moment: most need no more. */
const STEP_MS_MIN = 50;
const POLL_MS = 20;

/** Thrown where the start ends because the process is to stop. */
export class StopWanted extends Error {
  override readonly name = 'StopWanted';

  constructor() {
    super('a stop is wanted');
  }
}

export interface StopStep {
  /** What is stopped, for the log. */
  readonly name: string;
  readonly stop: () => unknown;
  /** Longer than the usual part may take. */
  readonly msMax?: number;
}

export interface StopLimits {
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly clock: Clock;
  /** Monotonic ms. */
  readonly deadline: number;
}

/** Stops the parts in this order, one after another. Never throws, and ends soon after the deadline. */
export async function stopInOrder(steps: readonly StopStep[], limits: StopLimits): Promise<void> {
  const { log, clock, deadline } = limits;
  for (const { name, stop, msMax = STEP_MS_MAX } of steps) {
    const ms = Math.max(STEP_MS_MIN, Math.min(msMax, deadline - clock.monotonicMs()));
    const stopped = Promise.resolve()
      .then(stop)
      .catch((error: unknown) => log.error({ part: name, err: error }, 'a part did not stop cleanly'));
    if (!(await endsWithin(stopped, ms, clock)))
      log.warn({ part: name, waitedMs: Math.round(ms) }, 'a part does not stop');
  }
}

/**
 * Runs `stop`, and calls `end` when the time is up, whatever hangs: the process and its workers end at once. This bound
 * does not depend on the parts' own bounds.
 */
export function stopOrEnd(
  stop: () => Promise<void>,
  { timeoutMs, clock, log, end }: { timeoutMs: number; clock: Clock; log: Pick<Logger, 'error'>; end: () => void },
): Promise<void> {
  clock.after(timeoutMs, () => {
    log.error({ timeoutMs }, 'not everything stopped within SHUTDOWN_TIMEOUT_MS; the process ends all the same');
    end();
  });
  return stop();
}

/** Whether `work` settles within so many ms. Otherwise it goes on, and its result is dropped. */
export async function endsWithin(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const given = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const late = clock.sleep(ms, { signal: given.signal }).then(() => false);
  const isEnded = await Promise.race([ended, late]);
  given.abort();
  return isEnded;
}

/** Waits for `work` until the deadline, or until `hopeless` returns true. */
export async function endsUnless(
  work: Promise<unknown>,
  hopeless: () => boolean,
  { clock, deadline }: Pick<StopLimits, 'clock' | 'deadline'>,
): Promise<boolean> {
  for (;;) {
    if (await endsWithin(work, POLL_MS, clock)) return true;
    if (hopeless() || clock.monotonicMs() >= deadline) return false;
  }
}

/** What has been started, in order. */
export class StopOrder {
  readonly #steps: StopStep[] = [];
  #want: () => void = () => undefined;
  readonly #wanted: Promise<never>;
  #isWanted = false;

  constructor() {
    this.#wanted = new Promise<never>((_, reject) => (this.#want = () => reject(new StopWanted())));
    this.#wanted.catch(() => undefined);
  }

  /** Has been started. @throws StopWanted: nothing more is to be started. */
  add(step: StopStep): void {
    this.#steps.push(step);
    if (this.#isWanted) throw new StopWanted();
  }

  /**
   * For a wait during the start that leaves nothing to stop.
   * @throws StopWanted as soon as a stop is wanted.
   */
  unlessWanted<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.#wanted]);
  }

  /** From now on the start ends at its next step. */
  want(): void {
    this.#isWanted = true;
    this.#want();
  }

  async stop(limits: StopLimits): Promise<void> {
    await stopInOrder(this.#steps.splice(0).reverse(), limits);
  }
}
