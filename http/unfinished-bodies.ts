/**
 * Owns the bodies that did not come with their request's headers. Such a body may come slowly or not at all, so its
 * request gives up its place among those that are handled (see in-flight-limit.ts) until the body is there. Instead
 * these bodies have limits of their own: a number for each caller, a number in all, and a deadline.
 *
 * Almost every body comes with its headers, in the same turn of the event loop. So bodies are looked at once, at the
 * end of the turn; those that are there by then cost no more than a place in a list.
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import { retryAfterSeconds } from './answer-problems.ts';
import { Problem } from './problems.ts';

/** The places among the requests that are handled at a time. */
export interface Slots {
  /** Gives up the place of a request that waits for something outside. */
  pause(): void;
  /** Takes a place again, whatever the number; it ends with its request. False: there was no room. */
  resume(): boolean;
}

/** What a request is answered that waited, and finds no place afterwards. */
export function tooManyRequests(): Problem {
  const detail = 'Too many requests are being handled now; nothing was applied.';
  return new Problem('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });
}

/** For a body reader without a limit of requests. */
export const UNLIMITED_SLOTS: Slots = { pause: () => undefined, resume: () => true };

export interface UnfinishedBodyLimits {
  /** Of one caller. */
  readonly perCallerMax: number;
  /** Of all callers; one more ends the oldest. */
  readonly totalMax: number;
  /** From the end of the headers to the end of the body. */
  readonly deadlineMs: number;
}

export interface UnfinishedBody {
  readonly caller: string;
  /** Ends the reading with this problem. It must call `finished`. */
  readonly refuse: (problem: Problem) => void;
  isFinished: boolean;
  /** Undefined until it was found to be slow. */
  slowSinceMs: number | undefined;
}

const SWEEP_INTERVAL_MS = 250;
/** Its rest is still on the way: the connection can't be used again. */
const CLOSING = { headers: { Connection: 'close' } };

export class UnfinishedBodies {
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #limits: UnfinishedBodyLimits;
  #ofThisTurn: UnfinishedBody[] = [];
  /** The oldest first. */
  readonly #slow = new Set<UnfinishedBody>();
  readonly #slowOf = new Map<string, number>();
  #sweeper: Timer | undefined;

  constructor(clock: Clock, slots: Slots, limits: UnfinishedBodyLimits) {
    this.#clock = clock;
    this.#slots = slots;
    this.#limits = limits;
  }

  /** Slow ones. */
  get count(): number {
    return this.#slow.size;
  }

  begun(body: UnfinishedBody): void {
    if (this.#ofThisTurn.length === 0) this.#clock.soon(() => this.#endTurn());
    this.#ofThisTurn.push(body);
  }

  /** To be called once for each body, whatever its end. False: it came slowly, and now there is no room for it. */
  finished(body: UnfinishedBody): boolean {
    body.isFinished = true;
    if (body.slowSinceMs === undefined) return true;
    this.#slow.delete(body);
    const others = (this.#slowOf.get(body.caller) ?? 1) - 1;
    if (others > 0) this.#slowOf.set(body.caller, others);
    else this.#slowOf.delete(body.caller);
    return this.#slots.resume();
  }

  #endTurn(): void {
    const bodies = this.#ofThisTurn;
    this.#ofThisTurn = [];
    for (const body of bodies) if (!body.isFinished) this.#isSlow(body);
  }

  #isSlow(body: UnfinishedBody): void {
    const { perCallerMax, totalMax } = this.#limits;
    const ofCaller = (this.#slowOf.get(body.caller) ?? 0) + 1;
    body.slowSinceMs = this.#clock.monotonicMs();
    this.#slots.pause();
    this.#slow.add(body);
    this.#slowOf.set(body.caller, ofCaller);
    this.#sweeper ??= this.#clock.every(SWEEP_INTERVAL_MS, () => this.#sweep(), { unref: true });
    if (ofCaller > perCallerMax) body.refuse(tooManyOfCaller(perCallerMax));
    else if (this.#slow.size > totalMax) for (const oldest of this.#slow) return oldest.refuse(tooManyOfAll());
  }

  #sweep(): void {
    const { deadlineMs } = this.#limits;
    const dueMs = this.#clock.monotonicMs() - deadlineMs;
    for (const body of this.#slow) {
      if (body.slowSinceMs! > dueMs) break;
      body.refuse(tooSlow(deadlineMs));
    }
    if (this.#slow.size > 0) return;
    this.#sweeper?.cancel();
    this.#sweeper = undefined;
  }
}

function tooManyOfCaller(max: number): Problem {
  const detail = `More than ${max} bodies of this caller are being received; nothing was applied. Send fewer at a time.`;
  return new Problem('rate_limited', detail, { ...CLOSING, retryAfterSeconds: 1 });
}

function tooManyOfAll(): Problem {
  const detail = 'Too many bodies are being received now, and this one took longest; nothing was applied.';
  return new Problem('overloaded', detail, { ...CLOSING, retryAfterSeconds: 1 });
}

function tooSlow(deadlineMs: number): Problem {
  const detail = `The body did not come within ${deadlineMs / 1000} seconds; nothing was applied. Send it again.`;
  return new Problem('request_timeout', detail, CLOSING);
}
