/**
 * Reports a failure that repeats: the first time as a warning, and once it has lasted for some tries and some time as
 * an error that names what is at fault and what helps. Each further failure is that same error: the logger makes one
 * line of them and then a count (repeated-causes.ts). It does not decide about the retry itself.
 *
 *   well --failed--> failing (a warning) --tries and time--> lasting (an error, shown in health)
 *   failing, lasting --succeeded, or nothing heard for long--> well
 */
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';

export const LASTING_TRIES = 5;
export const LASTING_MS = 10_000;
/** A failure so long after the last one is a new one. Longer than any pause between two tries. */
const FORGOTTEN_AFTER_MS = 600_000;

export interface LastingFailureOptions {
  /** A sentence without its end: "the read models can't be written". Without names or numbers: health shows it. */
  readonly what: string;
  /** What a person can look at, or do: a sentence. */
  readonly remedy: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Each call reports something that has failed many times already, so the first call is lasting. */
  readonly atOnce?: boolean;
}

export class LastingFailure {
  readonly #options: LastingFailureOptions;
  #tries = 0;
  #sinceMs = 0;
  #lastMs = 0;
  #lasting = false;
  #reason = '';
  #entityId: unknown;

  constructor(options: LastingFailureOptions) {
    this.#options = options;
  }

  /** While it lasts: what is at fault, in a few words. */
  get what(): string | undefined {
    const { what, clock } = this.#options;
    return this.#lasting && clock.monotonicMs() - this.#lastMs <= FORGOTTEN_AFTER_MS ? what : undefined;
  }

  /** While it lasts: the same with the reason and what helps. For people who run the node: a reason may quote data. */
  get text(): string | undefined {
    const { what } = this;
    if (what === undefined) return undefined;
    const seconds = this.#seconds(this.#lastMs);
    const whose = typeof this.#entityId === 'string' ? ` (${this.#entityId})` : '';
    return `${what}, ${this.#tries} times in ${seconds} s: ${this.#reason}${whose}. ${this.#options.remedy}`;
  }

  failed(reason: string, details: Readonly<Record<string, unknown>> = {}): void {
    const { log, what, remedy, clock, atOnce = false } = this.#options;
    const now = clock.monotonicMs();
    if (this.#tries > 0 && now - this.#lastMs > FORGOTTEN_AFTER_MS) this.#reset();
    if (this.#tries++ === 0) this.#sinceMs = now;
    this.#lastMs = now;
    this.#reason = reason;
    this.#entityId = details['entityId'];
    this.#lasting ||= atOnce || (this.#tries >= LASTING_TRIES && now - this.#sinceMs >= LASTING_MS);
    const lastsSeconds = this.#seconds(now);
    if (this.#lasting) log.error({ ...details, lastsSeconds, reason }, `${what}, again and again. ${remedy}`);
    else if (this.#tries === 1) log.warn({ ...details, reason }, `${what}; trying again`);
  }

  succeeded(): void {
    if (this.#tries === 0) return;
    const { log, what, clock } = this.#options;
    if (this.#lasting) log.info({ tries: this.#tries, seconds: this.#seconds(clock.monotonicMs()) }, `over: ${what}`);
    this.#reset();
  }

  #seconds(now: number): number {
    return Math.round((now - this.#sinceMs) / 1_000);
  }

  #reset(): void {
    this.#tries = 0;
    this.#lasting = false;
  }
}
