/**
 * How far one shard's log is published. Rows are taken in hand in the order of the log; they are confirmed in any order,
 * because entities don't wait for each other, and the checkpoint follows behind the oldest that is not.
 *
 *   confirmed <= taken <= head:  published for good | in hand | known to be in the log, to be read from there
 */
import { invariant } from '../../kernel/invariant.ts';

/** A row in hand: its messages that are not confirmed yet. */
export interface RowInHand {
  readonly shard: RelayedShard;
  readonly seq: number;
  left: number;
}

export class RelayedShard {
  readonly shard: number;
  /** Of the owner that follows: rows that it tells of lie in it. */
  readonly epoch: number;
  /** The last row that is known to be in the log. */
  head: number;
  /** Rows in hand with messages that are not confirmed yet. */
  open = 0;
  /** Where the epoch begins: a row without events. */
  readonly #epochSeq: number;
  /** Undefined until the checkpoint is read. */
  #taken: number | undefined;
  #confirmed = 0;
  /** In the order of the log; those before `#first` are confirmed. */
  #inHand: RowInHand[] = [];
  #first = 0;

  constructor(shard: number, epoch: number, epochSeq: number) {
    this.shard = shard;
    this.epoch = epoch;
    this.head = this.#epochSeq = epochSeq;
  }

  /** From the checkpoint on, once. */
  begin(checkpoint: number): void {
    invariant(this.#taken === undefined, 'a shard is begun once');
    this.#taken = this.#confirmed = checkpoint;
    if (checkpoint === this.#epochSeq - 1) this.take(this.#epochSeq, 0); // all before it is published
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

  /** Takes the next row, of which `messages` are to be published. */
  take(seq: number, messages: number): RowInHand {
    invariant(seq === this.taken + 1, 'rows are taken without a hole');
    this.#taken = seq;
    if (seq > this.head) this.head = seq;
    const row = { shard: this, seq, left: messages };
    this.#inHand.push(row);
    if (messages > 0) this.open++;
    else this.#advance();
    return row;
  }

  /** One message of the row is confirmed. */
  settle(row: RowInHand): void {
    row.left--;
    if (row.left > 0) return;
    this.open--;
    this.#advance();
  }

  #advance(): void {
    const rows = this.#inHand;
    while (this.#first < rows.length && rows[this.#first]!.left === 0) this.#confirmed = rows[this.#first++]!.seq;
    if (this.#first === rows.length) {
      rows.length = this.#first = 0;
    } else if (this.#first > 1_000 && this.#first > rows.length / 2) {
      rows.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
