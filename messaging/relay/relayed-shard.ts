/**
 * How far one shard's log is published. Rows are taken in hand in the order of the log; they are settled in any order,
 * because entities don't wait for each other, and the checkpoint follows behind the oldest that is not.
 *
 *   confirmed <= taken <= head:  published for good | in hand | known to be in the log, to be read from there
 */
import { invariant } from '../../kernel/invariant.ts';

/** Settled slots in front are cut off when there are more. */
const SETTLED_SLOTS_MAX = 1_000;

export class RelayedShard {
  readonly shard: number;
  /** Of the owner that follows: rows that it tells of lie in it. */
  readonly epoch: number;
  /** The last row that is known to be in the log. */
  head: number;
  /** Rows in hand that are not settled. */
  open = 0;
  /** Where the epoch begins: a row without events. */
  readonly #epochSeq: number;
  /** Undefined until the checkpoint is read. */
  #taken: number | undefined;
  #confirmed = 0;
  /** Whether it is settled, of each row in hand: a slot for each `seq` from `#confirmed + 1` on, the first at `#first`. */
  #slots: boolean[] = [];
  #first = 0;
  /** Some row up to here was not published at `#waitingSinceMs`. */
  #waitingSeq = 0;
  #waitingSinceMs = 0;

  constructor(shard: number, epoch: number, epochSeq: number) {
    this.shard = shard;
    this.epoch = epoch;
    this.head = this.#epochSeq = epochSeq;
  }

  /** From the checkpoint on, once. */
  begin(checkpoint: number): void {
    invariant(this.#taken === undefined, 'a shard is begun once');
    this.#taken = this.#confirmed = checkpoint;
    if (checkpoint !== this.#epochSeq - 1) return;
    this.take(this.#epochSeq); // all before it is published
    this.settle(this.#epochSeq);
  }

  get begun(): boolean {
    return this.#taken !== undefined;
  }

  get taken(): number {
    return this.#taken ?? 0;
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  /** Some of the log must be read: it was written before, or faster than it could be published. */
  get behind(): boolean {
    return this.#taken !== undefined && this.#taken < this.head;
  }

  /**
   * How long the oldest row that is not published waits, at the least: measured from one call to the next, so that the
   * rows themselves need no time. 0: none waits.
   */
  lagMs(monotonicMs: number): number {
    if (this.begun && this.#confirmed >= this.head) {
      this.#waitingSeq = 0;
      return 0;
    }
    if (this.#waitingSeq === 0 || this.#confirmed >= this.#waitingSeq) {
      this.#waitingSeq = this.#confirmed + 1;
      this.#waitingSinceMs = monotonicMs;
    }
    return monotonicMs - this.#waitingSinceMs;
  }

  /** Takes the next row in hand. */
  take(seq: number): void {
    invariant(seq === this.taken + 1, 'rows are taken without a hole');
    this.#taken = seq;
    if (seq > this.head) this.head = seq;
    this.#slots.push(false);
    this.open++;
  }

  /** A row in hand has nothing to publish, or nothing more. */
  settle(seq: number): void {
    const slots = this.#slots;
    const slot = this.#first + seq - this.#confirmed - 1;
    invariant(slots[slot] === false, 'a row in hand is settled once');
    slots[slot] = true;
    this.open--;
    while (slots[this.#first] === true) {
      this.#first++;
      this.#confirmed++;
    }
    if (this.#first === slots.length) {
      slots.length = this.#first = 0;
    } else if (this.#first > SETTLED_SLOTS_MAX && this.#first > slots.length / 2) {
      slots.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
