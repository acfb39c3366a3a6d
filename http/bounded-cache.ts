/**
 * A map that forgets: it keeps the entries used last, at most `capacityMax` of them. Two generations instead of a list
 * of uses: a hit costs one look-up, and when the young generation is full the old one is dropped as a whole. What was
 * used since the last change of generations is always kept.
 */
export class BoundedCache<Value> {
  readonly #generationMax: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** @param capacityMax entries over both generations; at least 2. */
  constructor(capacityMax: number) {
    this.#generationMax = Math.max(1, Math.floor(capacityMax / 2));
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** At most `capacityMax`; a key that was used again may count twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
