/** The schedule of an open loop's arrivals, independent of answers. */
import { mulberry32 } from '../../kernel/mulberry32.ts';
import type { Arrivals } from './messages.ts';

const SEED = 20101201;

/** Milliseconds since the phase's begin, rising, without end. The same schedule every time. */
export class ArrivalSchedule {
  readonly #gapMs: () => number;
  #nextMs: number;

  constructor({ perSecond, spacing }: Extract<Arrivals, { readonly kind: 'open' }>) {
    const meanMs = 1_000 / perSecond;
    const random = mulberry32(SEED);
    this.#gapMs = spacing === 'constant' ? () => meanMs : () => -Math.log(1 - random()) * meanMs;
    this.#nextMs = this.#gapMs();
  }

  /** The next arrival, if it is due before `ms`. */
  takeBefore(ms: number): number | undefined {
    const due = this.#nextMs;
    if (due >= ms) return undefined;
    this.#nextMs += this.#gapMs();
    return due;
  }
}
