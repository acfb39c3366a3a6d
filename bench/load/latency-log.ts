/** Owns the latencies of a window: every one is kept, as whole microseconds in a typed array that grows by doubling. */
const INITIAL_CAPACITY = 65_536;
const UINT32_MAX = 2 ** 32 - 1;

export class LatencyLog {
  #values = new Uint32Array(INITIAL_CAPACITY);
  #length = 0;

  add(latencyMs: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Uint32Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length++] = Math.min(Math.round(latencyMs * 1000), UINT32_MAX);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was added so far. */
  toArray(): Uint32Array {
    return this.#values.slice(0, this.#length);
  }
}
