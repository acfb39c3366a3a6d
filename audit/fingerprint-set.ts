/**
 * A set of texts that keeps 53 bits of each instead of the text: 16 bytes an entry. Two texts may share a fingerprint
 * (once in 10^4 sets of a million), so who needs certainty asks again by another way for whatever it reports.
 */
const SLOTS_MIN = 64;
/** Beyond this share of filled slots the probes get long. */
const FILL_MAX = 0.5;
const EMPTY = 0;

export class FingerprintSet {
  #slots = new Float64Array(SLOTS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false if the text (or one with the same fingerprint) was there before. */
  add(text: string): boolean {
    const print = fingerprint(text);
    const slot = this.#slotOf(print);
    if (this.#slots[slot] !== EMPTY) return false;
    this.#slots[slot] = print;
    this.#size++;
    if (this.#size > this.#slots.length * FILL_MAX) this.#grow();
    return true;
  }

  has(text: string): boolean {
    return this.#size > 0 && this.#slots[this.#slotOf(fingerprint(text))] !== EMPTY;
  }

  clear(): void {
    if (this.#slots.length > SLOTS_MIN) this.#slots = new Float64Array(SLOTS_MIN);
    else if (this.#size > 0) this.#slots.fill(EMPTY);
    this.#size = 0;
  }

  /** The slot that holds the fingerprint, or the empty one where it belongs. */
  #slotOf(print: number): number {
    const mask = this.#slots.length - 1;
    let slot = (print >>> 0) & mask;
    while (this.#slots[slot] !== EMPTY && this.#slots[slot] !== print) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(old.length * 2);
    for (const print of old) if (print !== EMPTY) this.#slots[this.#slotOf(print)] = print;
  }
}

/** Two independent 32-bit hashes of a text. Not for secrets: it resists chance, not an adversary. */
export function hashes(text: string): readonly [number, number] {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
    b ^= b >>> 13;
  }
  return [mixed(a), mixed(b ^ text.length)];
}

/** 53 bits, never 0. */
function fingerprint(text: string): number {
  const [a, b] = hashes(text);
  return a + (b & 0x1fffff) * 0x1_0000_0000 || 1;
}

/** The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit of the input moves every bit of the output. */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
