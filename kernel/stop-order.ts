/**
 * How a process ends: what was started is stopped in the reverse order, and nothing that hangs keeps the rest from being
 * stopped. A stop that is wanted amid a start ends the start first, so that nothing is started behind a stop's back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** A part that takes longer is stuck: databases and brokers that do not answer are why. */
const STEP_MS_MAX = 3_000;
/** Also when the time is up each part gets a moment: most need no more. */
const STEP_MS_MIN = 50;
const POLL_MS = 20;

/** The start ends here, because a stop is wanted. */
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
  readonly monotonicMs: () => number;
  /** Monotonic ms. */
  readonly deadline: number;
}

/** In this order, one after another. Never throws, and is over soon after the deadline. */
export async function stopInOrder(steps: readonly StopStep[], limits: StopLimits): Promise<void> {
  const { log, monotonicMs, deadline } = limits;
  for (const { name, stop, msMax = STEP_MS_MAX } of steps) {
    const ms = Math.max(STEP_MS_MIN, Math.min(msMax, deadline - monotonicMs()));
    const stopped = Promise.resolve()
      .then(stop)
      .catch((error: unknown) => log.error({ part: name, err: error }, 'a part did not stop cleanly'));
    if (!(await endsWithin(stopped, ms))) log.warn({ part: name, waitedMs: Math.round(ms) }, 'a part does not stop');
  }
}

/**
 * Runs `stop`, and calls `end` once the time is up, whatever hangs: then the process ends at once, and its workers with
 * it. Parts have bounds of their own; this one does not depend on them.
 */
export function stopOrEnd(
  stop: () => Promise<void>,
  { timeoutMs, log, end }: { timeoutMs: number; log: Pick<Logger, 'error'>; end: () => void },
): Promise<void> {
  setTimeout(() => {
    log.error({ timeoutMs }, 'not everything stopped within SHUTDOWN_TIMEOUT_MS; the process ends all the same');
    end();
  }, timeoutMs);
  return stop();
}

/** Whether `work` settles within so many ms. It goes on, unheard, where it does not. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const given = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const late = sleep(ms, false, { signal: given.signal }).catch(() => false);
  const isEnded = await Promise.race([ended, late]);
  given.abort();
  return isEnded;
}

/** Waits for `work` until the deadline, or until `hopeless` says that it is no use. */
export async function endsUnless(
  work: Promise<unknown>,
  hopeless: () => boolean,
  { monotonicMs, deadline }: Pick<StopLimits, 'monotonicMs' | 'deadline'>,
): Promise<boolean> {
  for (;;) {
    if (await endsWithin(work, POLL_MS)) return true;
    if (hopeless() || monotonicMs() >= deadline) return false;
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

  /** For a wait in the start that leaves nothing to be stopped. @throws StopWanted as soon as a stop is wanted. */
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
