/**
 * Finds those that fail again and again among many that are tried independently: the steps of orders, the messages of
 * entities. Others succeed meanwhile, so the success of one says nothing about another. All stuck ones are one lasting
 * failure, because the remedy is one.
 *
 *   (unknown) --failed--> failing --tries and time--> stuck --over--> (unknown)
 */
import type { Clock } from './clock.ts';
import { LASTING_MS, LASTING_TRIES, LastingFailure, type LastingFailureOptions } from './lasting-failure.ts';

interface Failing {
  readonly sinceMs: number;
  tries: number;
  isStuck: boolean;
}

export class StuckAmongMany<Key> {
  readonly failure: LastingFailure;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #failing = new Map<Key, Failing>();
  #stuck = 0;

  constructor(options: Omit<LastingFailureOptions, 'atOnce'>) {
    this.failure = new LastingFailure({ ...options, atOnce: true });
    this.#clock = options.clock;
  }

  /** A caller of this must also call `over` once the key succeeds or is given up; until then it is remembered. */
  failed(key: Key, reason: string, details: Readonly<Record<string, unknown>> = {}): void {
    const now = this.#clock.monotonicMs();
    let failing = this.#failing.get(key);
    if (!failing) this.#failing.set(key, (failing = { sinceMs: now, tries: 0, isStuck: false }));
    failing.tries++;
    if (failing.tries < LASTING_TRIES || now - failing.sinceMs < LASTING_MS) return;
    if (!failing.isStuck) this.#stuck++;
    failing.isStuck = true;
    this.failure.failed(reason, { ...details, stuck: this.#stuck });
  }

  /** None fails now. */
  get isEmpty(): boolean {
    return this.#failing.size === 0;
  }

  /** They are not tried here any more. */
  overWhere(matches: (key: Key) => boolean): void {
    for (const key of this.#failing.keys()) if (matches(key)) this.over(key);
  }

  over(key: Key): void {
    if (this.#failing.size === 0) return;
    const failing = this.#failing.get(key);
    if (!failing) return;
    this.#failing.delete(key);
    if (failing.isStuck && --this.#stuck === 0) this.failure.succeeded();
  }
}
