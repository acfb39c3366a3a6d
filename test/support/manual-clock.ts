/** Time that moves only when a test says so. */
import { sleepBy, systemClock, type Clock, type EpochMs, type SleepOptions, type Timer } from '../../kernel/clock.ts';

const MANUAL_CLOCK_START: EpochMs = Date.UTC(2026, 0, 15, 12);

/** Undefined `everyMs`: it fires once. */
interface Pending extends Timer {
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** Timers end when time is moved past them. Turns of the event loop are the machine's: they take no time. */
export class ManualClock implements Clock {
  #now = MANUAL_CLOCK_START;
  #monotonic = 0;
  /** In the order in which they were set, which is the order of those due at the same time. */
  readonly #pending = new Set<Pending>();

  nowMs(): EpochMs {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  after(ms: number, run: () => void): Timer {
    return this.#set(ms, run);
  }

  every(ms: number, run: () => void): Timer {
    return this.#set(ms, run, ms);
  }

  sleep(ms: number, options?: SleepOptions): Promise<void> {
    return sleepBy(this, ms, options);
  }

  soon(run: () => void): void {
    systemClock.soon(run);
  }

  nextTurn(): Promise<void> {
    return systemClock.nextTurn();
  }

  /** Monotonic ms of the next timer; Infinity without any. */
  get nextDueMs(): number {
    return this.#next()?.dueMs ?? Infinity;
  }

  /** Fires the timers that are due by then, in order, each at its time. */
  advance(ms: number): void {
    const endMs = this.#monotonic + ms;
    for (let next = this.#next(); next && next.dueMs <= endMs; next = this.#next()) this.#fire(next);
    this.#moveTo(endMs);
  }

  /** The same, with a turn of the event loop after each timer: what it set off may set more. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#monotonic + ms;
    await this.nextTurn();
    for (let next = this.#next(); next && next.dueMs <= endMs; next = this.#next()) {
      this.#fire(next);
      await this.nextTurn();
    }
    this.#moveTo(endMs);
  }

  /** As a time server may do: the wall clock alone, also backwards. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #set(ms: number, run: () => void, everyMs?: number): Timer {
    const cancel = (): void => void this.#pending.delete(pending);
    const pending: Pending = { dueMs: this.#monotonic + Math.max(0, ms), everyMs, run, cancel };
    this.#pending.add(pending);
    return pending;
  }

  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) if (!next || pending.dueMs < next.dueMs) next = pending;
    return next;
  }

  #fire(pending: Pending): void {
    this.#moveTo(pending.dueMs);
    this.#pending.delete(pending);
    if (pending.everyMs !== undefined) {
      pending.dueMs += pending.everyMs;
      this.#pending.add(pending);
    }
    pending.run();
  }

  #moveTo(monotonicMs: number): void {
    this.#now += Math.max(0, monotonicMs - this.#monotonic);
    this.#monotonic = Math.max(this.#monotonic, monotonicMs);
  }
}

/** Holds time still, and leaves timers to the machine: for parts that run on by themselves meanwhile. */
export class HeldClock extends ManualClock {
  override after(ms: number, run: () => void): Timer {
    return systemClock.after(ms, run, { unref: true });
  }

  override every(ms: number, run: () => void): Timer {
    return systemClock.every(ms, run, { unref: true });
  }
}
