/**
 * Owns the number of requests that are handled at a time. All are counted, because a worker that stops waits for all;
 * only those that ask the actors are refused, so that a worker with too much to do still says that it is alive.
 */
import type { Middleware } from 'koa';
import { retryAfterSeconds } from '../answer-problems.ts';
import { Problem } from '../problems.ts';

export class InFlightLimit {
  readonly #max: number;
  #count = 0;

  constructor(inFlightMax: number) {
    this.#max = inFlightMax;
  }

  /** Requests that have come and are not answered yet. */
  get count(): number {
    return this.#count;
  }

  readonly counted: Middleware = async (_ctx, next) => {
    this.#count += 1;
    try {
      await next();
    } finally {
      this.#count -= 1;
    }
  };

  /** To stand before anything is read, verified or asked: refusing must stay cheap. */
  readonly refuseBeyond: Middleware = (_ctx, next) => {
    if (this.#count <= this.#max) return next();
    const detail = 'Too many requests are being handled now; nothing was applied. Send the request again later.';
    throw new Problem('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });
  };
}
