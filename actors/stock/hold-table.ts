/**
 * The open holds of one product, by the reservation's id. Each stays until its order is shipped or undone, so a product
 * that sells has thousands in memory, and all of them in each of its snapshots. They stand in one array of numbers, 28
 * bytes a hold: a fifth of what a Map takes, and nothing for the garbage collector to walk.
 *
 * Open addressing with linear probing. A removed hold's slot is closed by moving later ones back: there are no
 * tombstones, so a table doesn't get slower with age. What doesn't fit a slot (units from several warehouses, an id of
 * another form) stands in a map beside it.
 */
import { CorruptionError } from '../../kernel/errors.ts';
import type { EpochMs } from '../../kernel/clock.ts';

/** [warehouse, units] */
export type Allocation = readonly [warehouseId: string, quantity: number];

export interface OpenHold {
  readonly quantity: number;
  readonly notAfter: EpochMs;
  /** Absent: all of it from the default warehouse. */
  readonly from?: readonly Allocation[];
}

/** As a snapshot keeps it. */
export interface StoredHolds {
  /** Base64: the used slots one after another, little-endian. */
  readonly packed: string;
  readonly others: readonly (readonly [string, OpenHold])[];
}

/** A slot: the id's 128 bits in four words, the units (0: a free slot), notAfter in two words. */
const WORDS = 7;
const QUANTITY = 4;
const NOT_AFTER_HIGH = 5;
const NOT_AFTER_LOW = 6;
const BYTES = WORDS * Uint32Array.BYTES_PER_ELEMENT;
const TWO_32 = 2 ** 32;
const SLOTS_MIN = 8;
/** Of the slots in use at which the table grows, and shrinks. */
const LOAD_MAX = 0.75;
const LOAD_MIN = 0.15;

/** Of a reservation's id. */
const ID_PREFIX = 'res_';
/** Of a UUID's text: 8-4-4-4-12 digits. */
const DASHES = [8, 13, 18, 23] as const;
const UUID_LENGTH = 36;
const DASH = 45;

/** The words of the id that was read last. */
const key = new Uint32Array(4);

export class HoldTable implements Iterable<readonly [string, OpenHold]> {
  #words = new Uint32Array(0);
  /** Slots less one: their number is a power of two. */
  #mask = -1;
  #used = 0;
  readonly #others = new Map<string, OpenHold>();

  get size(): number {
    return this.#used + this.#others.size;
  }

  has(holdId: string): boolean {
    return this.#find(holdId) >= 0 || this.#others.has(holdId);
  }

  get(holdId: string): OpenHold | undefined {
    const slot = this.#find(holdId);
    return slot >= 0 ? this.#holdAt(slot) : this.#others.get(holdId);
  }

  /** A hold is made once and never changed: the id must be new. */
  add(holdId: string, hold: OpenHold): void {
    const { quantity, notAfter, from } = hold;
    const fits = from === undefined && quantity > 0 && quantity < TWO_32 && notAfter >= 0;
    if (!fits || !readId(holdId)) {
      this.#others.set(holdId, hold);
      return;
    }
    if (this.#used + 1 > (this.#mask + 1) * LOAD_MAX) this.#resize(Math.max(SLOTS_MIN, (this.#mask + 1) * 2));
    const at = this.#freeSlot(key[3]!) * WORDS;
    this.#words.set(key, at);
    this.#words[at + QUANTITY] = quantity;
    this.#words[at + NOT_AFTER_HIGH] = Math.floor(notAfter / TWO_32);
    this.#words[at + NOT_AFTER_LOW] = notAfter % TWO_32;
    this.#used++;
  }

  delete(holdId: string): boolean {
    const slot = this.#find(holdId);
    if (slot < 0) return this.#others.delete(holdId);
    this.#close(slot);
    this.#used--;
    const slots = this.#mask + 1;
    if (slots > SLOTS_MIN && this.#used < slots * LOAD_MIN) this.#resize(slots / 2);
    return true;
  }

  /** In no order. */
  *[Symbol.iterator](): Iterator<readonly [string, OpenHold]> {
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#isUsed(slot)) yield [idIn(this.#words, slot * WORDS), this.#holdAt(slot)];
    }
    yield* this.#others;
  }

  /** Of all holds. */
  get units(): number {
    let units = 0;
    for (let at = QUANTITY; at < this.#words.length; at += WORDS) units += this.#words[at]!;
    for (const { quantity } of this.#others.values()) units += quantity;
    return units;
  }

  encode(): StoredHolds {
    const packed = new Uint32Array(this.#used * WORDS);
    let end = 0;
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (!this.#isUsed(slot)) continue;
      packed.set(this.#words.subarray(slot * WORDS, (slot + 1) * WORDS), end);
      end += WORDS;
    }
    return { packed: Buffer.from(packed.buffer).toString('base64'), others: [...this.#others] };
  }

  /** @throws CorruptionError for what `encode` does not make. */
  static decode({ packed, others }: StoredHolds): HoldTable {
    const table = new HoldTable();
    const bytes = Buffer.from(packed, 'base64');
    const count = bytes.length / BYTES;
    if (!Number.isInteger(count))
      throw new CorruptionError(`${bytes.length} bytes of holds are no whole number of them`);
    const words = new Uint32Array(count * WORDS);
    bytes.copy(new Uint8Array(words.buffer));
    let slots = SLOTS_MIN;
    while (count > slots * LOAD_MAX) slots *= 2;
    if (count > 0) table.#resize(slots);
    for (let at = 0; at < words.length; at += WORDS) table.#take(words, at);
    for (const [holdId, hold] of others) {
      if (table.has(holdId)) throw new CorruptionError(`the hold ${holdId} twice`);
      table.#others.set(holdId, hold);
    }
    return table;
  }

  /** Takes a slot as it is, of a table that has room for it. */
  #take(words: Uint32Array, at: number): void {
    if (words[at + QUANTITY] === 0) throw new CorruptionError(`a hold of nothing: ${idIn(words, at)}`);
    key.set(words.subarray(at, at + QUANTITY));
    if (this.#slotOfKey() >= 0) throw new CorruptionError(`the hold ${idIn(words, at)} twice`);
    this.#words.set(words.subarray(at, at + WORDS), this.#freeSlot(key[3]!) * WORDS);
    this.#used++;
  }

  /** Its slot; -1 where it is in none. */
  #find(holdId: string): number {
    return this.#used > 0 && readId(holdId) ? this.#slotOfKey() : -1;
  }

  #slotOfKey(): number {
    const words = this.#words;
    for (let slot = key[3]! & this.#mask; this.#isUsed(slot); slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS;
      if (words[at + 3] === key[3] && words[at + 2] === key[2] && words[at + 1] === key[1] && words[at] === key[0])
        return slot;
    }
    return -1;
  }

  /** The last word is random in every version of UUID that is used for orders, so it stands for a hash. */
  #freeSlot(hash: number): number {
    let slot = hash & this.#mask;
    while (this.#isUsed(slot)) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #isUsed(slot: number): boolean {
    return this.#words[slot * WORDS + QUANTITY]! > 0;
  }

  #holdAt(slot: number): OpenHold {
    const at = slot * WORDS;
    const notAfter = this.#words[at + NOT_AFTER_HIGH]! * TWO_32 + this.#words[at + NOT_AFTER_LOW]!;
    return { quantity: this.#words[at + QUANTITY]!, notAfter };
  }

  /** Frees a slot; those behind it that would not be found past a free one move up. */
  #close(slot: number): void {
    const words = this.#words;
    let free = slot;
    for (let next = (slot + 1) & this.#mask; this.#isUsed(next); next = (next + 1) & this.#mask) {
      const home = words[next * WORDS + 3]! & this.#mask;
      if (((next - home) & this.#mask) < ((next - free) & this.#mask)) continue;
      words.copyWithin(free * WORDS, next * WORDS, (next + 1) * WORDS);
      free = next;
    }
    words.fill(0, free * WORDS, (free + 1) * WORDS);
  }

  #resize(slots: number): void {
    const old = this.#words;
    this.#words = new Uint32Array(slots * WORDS);
    this.#mask = slots - 1;
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + QUANTITY] === 0) continue;
      this.#words.set(old.subarray(at, at + WORDS), this.#freeSlot(old[at + 3]!) * WORDS);
    }
  }
}

/** Reads a reservation's id into `key`. False: it has another form than a lower-case UUID behind the prefix. */
function readId(holdId: string): boolean {
  const start = ID_PREFIX.length;
  if (holdId.length !== start + UUID_LENGTH || !holdId.startsWith(ID_PREFIX)) return false;
  for (const dash of DASHES) if (holdId.charCodeAt(start + dash) !== DASH) return false;
  let word = 0;
  let digits = 0;
  for (let at = start; at < holdId.length; at++) {
    const code = holdId.charCodeAt(at);
    if (code === DASH) continue;
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    if (digit < 0 || digits >= 32) return false;
    word = (word << 4) | digit;
    if (++digits % 8 === 0) key[digits / 8 - 1] = word;
  }
  return digits === 32;
}

function idIn(words: Uint32Array, at: number): string {
  let hex = '';
  for (let word = 0; word < 4; word++) hex += words[at + word]!.toString(16).padStart(8, '0');
  return `${ID_PREFIX}${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
