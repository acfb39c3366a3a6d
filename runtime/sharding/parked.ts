/**
 * Asks whose shard is between two owners. They wait here, bounded in number and each until its own deadline, and are
 * dispatched again when owners change and now and then.
 */
import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Answer, Ask } from '../ask.ts';
import type { Reply } from '../entity/entity-host.ts';

const PARKED_MAX = 20_000;
const RETRY_INTERVAL_MS = 50;

/** An ask on its way to its shard's owner. */
export interface Routed {
  readonly ask: Ask;
  readonly internal: boolean;
  /** The sender knows that the receiver has no rows; true at the first try only. */
  fresh: boolean;
  readonly reply: Reply;
  /** Monotonic. */
  readonly deadlineMs: number;
  /** Whether an owner that it was sent to may have applied it. */
  applied: 'no' | 'unknown';
}

interface Waiting {
  readonly routed: Routed;
  /** For the asker whose time runs out here. */
  readonly tooLate: Answer;
}

export class Parked {
  readonly #clock: Clock;
  readonly #dispatch: (routed: Routed) => void;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #retrying = false;
  #stopped = false;

  constructor(clock: Clock, dispatch: (routed: Routed) => void) {
    this.#clock = clock;
    this.#dispatch = dispatch;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** False at the limit; then the caller answers. Steps of entities under way are never refused. */
  add(routed: Routed, tooLate: Answer): boolean {
    if (this.#stopped || (this.#waiting.length >= PARKED_MAX && !routed.internal)) return false;
    this.#waiting.push({ routed, tooLate });
    this.#timer ??= this.#clock.after(RETRY_INTERVAL_MS, () => {
      this.#timer = undefined;
      this.#retry();
    });
    return true;
  }

  /** Soon, and once for many calls: never within the caller, who may be in the middle of a change. */
  retry(): void {
    if (this.#retrying || this.#waiting.length === 0) return;
    this.#retrying = true;
    this.#clock.soon(() => {
      this.#retrying = false;
      this.#retry();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const { routed, tooLate } of this.#waiting.splice(0)) routed.reply(tooLate);
  }

  #retry(): void {
    const now = this.#clock.monotonicMs();
    for (const { routed, tooLate } of this.#waiting.splice(0)) {
      if (routed.deadlineMs <= now) routed.reply(tooLate);
      else this.#dispatch(routed);
    }
  }
}
