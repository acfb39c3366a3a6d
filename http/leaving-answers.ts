/**
 * Owns the answers that are made and have not left: a client that does not read keeps them in this process. They count
 * as in flight, their bytes are bounded, and a client that takes too little of them loses its connection.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../kernel/clock.ts';

export interface LeavingLimits {
  /** Without any progress in writing, a connection is closed after this time. */
  readonly stallMs: number;
  /** With some: an answer may take `stallMs` and the time of its bytes at this rate. */
  readonly bytesPerSecondMin: number;
  /** Of all answers of the worker. Beyond it no more are made. */
  readonly bytesMax: number;
}

const DEFAULT_LIMITS: LeavingLimits = {
  stallMs: 30_000,
  bytesPerSecondMin: 16 * 1024,
  bytesMax: 128 * 1024 * 1024,
};

const SWEEP_INTERVAL_MS = 5_000;
/** A count is as good as new for so long: to make one, all open requests are looked at. */
const COUNT_MAX_AGE_MS = 50;

interface Count {
  readonly answers: number;
  readonly bytes: number;
}

export class LeavingAnswers {
  readonly #clock: Clock;
  readonly #limits: LeavingLimits;
  /** All that were begun and not closed, also those that are not made yet. */
  readonly #open = new Set<ServerResponse>();
  /** Those that a sweep found leaving, each with the time (monotonic ms) at which it must have left. */
  readonly #deadlines = new Map<ServerResponse, number>();
  readonly #timer: NodeJS.Timeout;
  #counted: Count = { answers: 0, bytes: 0 };
  #countedAtMs = -Infinity;

  constructor(clock: Clock, limits: Partial<LeavingLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#timer = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** @param response just begun. */
  follow(response: ServerResponse): void {
    if (response.writableEnded && response.writableLength === 0) return; // answered at once, as refusals are
    this.#open.add(response);
    response.once('close', () => this.#closed(response));
  }

  /** Of requests that are not answered or whose answer has not left. */
  get open(): Iterable<ServerResponse> {
    return this.#open;
  }

  /** Answers that are made and have not left; up to 50 ms old. */
  get count(): number {
    return this.#recent().answers;
  }

  /** No more answers should be made: what waits to leave takes too much memory. */
  get full(): boolean {
    return this.#recent().bytes >= this.#limits.bytesMax;
  }

  /** Closes the connections of clients that take too little. */
  sweep(): void {
    const now = this.#clock.monotonicMs();
    for (const response of this.#open) {
      const { socket } = response;
      if (!isLeaving(response) || socket === null) continue;
      const deadline = this.#deadlines.get(response);
      if (deadline === undefined) {
        const { bytesPerSecondMin, stallMs } = this.#limits;
        this.#deadlines.set(response, now + stallMs + (1_000 * response.writableLength) / bytesPerSecondMin);
        // Node looks for progress when this runs out, and sets its own time-out once the answer has left.
        socket.setTimeout(stallMs);
      } else if (now >= deadline) socket.destroy();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #closed(response: ServerResponse): void {
    this.#open.delete(response);
    this.#deadlines.delete(response);
  }

  #recent(): Count {
    const now = this.#clock.monotonicMs();
    if (now - this.#countedAtMs < COUNT_MAX_AGE_MS) return this.#counted;
    let answers = 0;
    let bytes = 0;
    for (const response of this.#open) {
      if (!isLeaving(response)) continue;
      answers += 1;
      bytes += response.writableLength;
    }
    this.#countedAtMs = now;
    this.#counted = { answers, bytes };
    return this.#counted;
  }
}

const isLeaving = (response: ServerResponse): boolean => response.writableEnded && !response.writableFinished;
