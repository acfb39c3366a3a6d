/**
 * A stream of rows in the order of their keys, read group by group: what the audit merges. Holds one batch and one group
 * at a time. It refuses rows that come out of order: a merge over them would take present things for missing.
 */
import { invariant } from '../kernel/invariant.ts';
import { compareBytes } from './compare-bytes.ts';

export class SortedStream<Row> {
  readonly #batches: AsyncIterator<readonly Row[], unknown>;
  readonly #keyOf: (row: Row) => string;
  #batch: readonly Row[] = [];
  #next = 0;
  #ended = false;
  #key: string | undefined;

  constructor(batches: AsyncIterator<readonly Row[], unknown>, keyOf: (row: Row) => string) {
    this.#batches = batches;
    this.#keyOf = keyOf;
  }

  /** The key of the next row; undefined at the end. */
  async key(): Promise<string | undefined> {
    if (this.#next >= this.#batch.length) await this.#load();
    const row = this.#batch[this.#next];
    if (row === undefined) return undefined;
    const key = this.#keyOf(row);
    if (key !== this.#key) {
      invariant(this.#key === undefined || compareBytes(this.#key, key) < 0, 'the database orders text by its bytes');
      this.#key = key;
    }
    return key;
  }

  /** All rows of `key`, if they are the next ones. */
  async take(key: string): Promise<Row[]> {
    const group: Row[] = [];
    await this.each(key, (row) => group.push(row));
    return group;
  }

  /** Hands over the rows of `key` one by one, however many they are. */
  async each(key: string, use: (row: Row) => void): Promise<void> {
    while ((await this.key()) === key) {
      // The rest of the group in this batch without a turn of the event loop for each row.
      while (this.#next < this.#batch.length && this.#keyOf(this.#batch[this.#next]!) === key) {
        use(this.#batch[this.#next++]!);
      }
    }
  }

  async #load(): Promise<void> {
    while (!this.#ended && this.#next >= this.#batch.length) {
      const result = await this.#batches.next();
      this.#ended = result.done === true;
      this.#batch = result.done === true ? [] : result.value;
      this.#next = 0;
    }
  }
}

/** The smallest of the streams' next keys; undefined when all have ended. */
export async function smallestKey(
  streams: readonly { key(): Promise<string | undefined> }[],
): Promise<string | undefined> {
  let smallest: string | undefined;
  for (const stream of streams) {
    const key = await stream.key();
    if (key !== undefined && (smallest === undefined || compareBytes(key, smallest) < 0)) smallest = key;
  }
  return smallest;
}
