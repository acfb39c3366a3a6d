/**
 * Says of something that is tried again and again what a person must know, once: the first failure as a warning, and
 * when it has lasted for some tries and some time, in one line, what is at fault and what helps. After that it is quiet
 * but for growing intervals. Nothing here decides about the retry itself.
 *
 *   well --failed--> failing (a warning) --tries and time--> lasting (an error, then again after 1, 2, 4 ... min)
 *   failing, lasting --succeeded, or nothing heard for long--> well
 */
import type { Logger } from 'pino';

const LASTING_TRIES = 5;
const LASTING_MS = 10_000;
const REPEAT_MS_MIN = 60_000;
const REPEAT_MS_MAX = 3_600_000;
/** A failure so long after the one before is another one. */
const FORGOTTEN_AFTER_MS = 600_000;

export interface LastingFailureOptions {
  /** A sentence without its end: "the read models can't be written". */
  readonly what: string;
  /** What a person can look at, or do: a sentence. */
  readonly remedy: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly monotonicMs: () => number;
  /** Each call tells of what has failed many times already: the first one is lasting. */
  readonly atOnce?: boolean;
}

export class LastingFailure {
  readonly #options: LastingFailureOptions;
  #tries = 0;
  #sinceMs = 0;
  #lastMs = 0;
  #saidMs = -Infinity;
  #repeatMs = REPEAT_MS_MIN;
  #lasting = false;
  #reason = '';

  constructor(options: LastingFailureOptions) {
    this.#options = options;
  }

  /** For health and reports: what is at fault while it lasts, else undefined. */
  get text(): string | undefined {
    if (!this.#lasting) return undefined;
    const { what, remedy } = this.#options;
    return `${what}, ${this.#tries} times in ${this.#seconds(this.#lastMs)} s: ${this.#reason}. ${remedy}`;
  }

  failed(reason: string, details: Readonly<Record<string, unknown>> = {}): void {
    const { log, what, remedy, monotonicMs, atOnce = false } = this.#options;
    const now = monotonicMs();
    if (this.#tries > 0 && now - this.#lastMs > FORGOTTEN_AFTER_MS) this.#reset();
    if (this.#tries++ === 0) this.#sinceMs = now;
    this.#lastMs = now;
    this.#reason = reason;
    this.#lasting ||= atOnce || (this.#tries >= LASTING_TRIES && now - this.#sinceMs >= LASTING_MS);
    if (!this.#lasting) {
      if (this.#tries === 1) log.warn({ ...details, reason }, `${what}; trying again`);
      return;
    }
    if (now - this.#saidMs < this.#repeatMs) return;
    if (this.#saidMs > -Infinity) this.#repeatMs = Math.min(REPEAT_MS_MAX, this.#repeatMs * 2);
    this.#saidMs = now;
    const figures = { tries: this.#tries, seconds: this.#seconds(now) };
    log.error({ ...details, ...figures, reason }, `${what}, again and again. ${remedy}`);
  }

  succeeded(): void {
    if (this.#tries === 0) return;
    const { log, what } = this.#options;
    const figures = { tries: this.#tries, seconds: this.#seconds(this.#options.monotonicMs()) };
    if (this.#lasting) log.info(figures, `over: ${what}`);
    this.#reset();
  }

  #seconds(now: number): number {
    return Math.round((now - this.#sinceMs) / 1_000);
  }

  #reset(): void {
    this.#tries = 0;
    this.#saidMs = -Infinity;
    this.#repeatMs = REPEAT_MS_MIN;
    this.#lasting = false;
  }
}
