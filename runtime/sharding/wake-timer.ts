/**
 * When entities want to be woken. Buckets of a second: setting, moving and dropping a wake-up cost O(1), whatever
 * number waits. Wakes a few at a tick, so that a take-over with thousands overdue doesn't stall its worker, nor those
 * who are served meanwhile: a worker that has just started is slow as it is, so portions begin with one and grow to
 * 700 a second.
 */
import type { Clock, EpochMs, Timer } from '../../kernel/clock.ts';

const BUCKET_MS = 1_000;
const TICK_MS = 20;
const WAKES_PER_TICK_MAX = 14;
/** While there is more to wake than a tick may, ticks until it may wake one more. */
const TICKS_PER_STEP = 25;

export class WakeTimer {
  readonly #clock: Clock;
  readonly #wake: (entityId: string) => void;
  readonly #wakeAt = new Map<string, EpochMs>();
  readonly #buckets = new Map<number, Set<string>>();
  readonly #overdue: string[] = [];
  /** In a row that left an entity overdue. */
  #busyTicks = 0;
  #nextBucket: number;
  readonly #timer: Timer;

  constructor(clock: Clock, wake: (entityId: string) => void) {
    this.#clock = clock;
    this.#wake = wake;
    this.#nextBucket = Math.floor(clock.nowMs() / BUCKET_MS);
    this.#timer = clock.every(TICK_MS, () => this.tick(), { unref: true });
  }

  get waiting(): number {
    return this.#wakeAt.size;
  }

  /** Replaces the entity's former wake-up. */
  set(entityId: string, wakeAt: EpochMs): void {
    this.#wakeAt.set(entityId, wakeAt);
    this.#followBack(this.#clock.nowMs());
    const bucket = Math.max(Math.floor(wakeAt / BUCKET_MS), this.#nextBucket);
    const entities = this.#buckets.get(bucket);
    if (entities) entities.add(entityId);
    else this.#buckets.set(bucket, new Set([entityId]));
  }

  clear(entityId: string): void {
    this.#wakeAt.delete(entityId);
  }

  /** Wakes who is due. Called by the clock; tests call it themselves. */
  tick(): void {
    const now = this.#clock.nowMs();
    this.#followBack(now);
    // A bucket is opened once its whole second has passed, so no entity in it is early.
    for (; (this.#nextBucket + 1) * BUCKET_MS <= now && this.#overdue.length < WAKES_PER_TICK_MAX; this.#nextBucket++) {
      const entities = this.#buckets.get(this.#nextBucket);
      if (!entities) continue;
      this.#buckets.delete(this.#nextBucket);
      this.#overdue.push(...entities);
    }
    let left = Math.min(WAKES_PER_TICK_MAX, 1 + Math.floor(this.#busyTicks / TICKS_PER_STEP));
    let taken = 0;
    for (; taken < this.#overdue.length && left > 0; taken++) {
      const entityId = this.#overdue[taken]!;
      const wakeAt = this.#wakeAt.get(entityId);
      if (wakeAt === undefined || wakeAt > now) continue; // settled, or moved to a later bucket
      this.#wakeAt.delete(entityId);
      this.#wake(entityId);
      left--;
    }
    this.#overdue.splice(0, taken);
    this.#busyTicks = this.#overdue.length > 0 ? this.#busyTicks + 1 : 0;
  }

  /** A wall clock that was set back opens the same seconds again; else everything would wait for it to catch up. */
  #followBack(now: EpochMs): void {
    this.#nextBucket = Math.min(this.#nextBucket, Math.floor(now / BUCKET_MS));
  }

  stop(): void {
    this.#timer.cancel();
  }
}
