/**
 * The command ids that an entity's callers may send again, with a hash of what they sent: the same id with another
 * content is refused, the same content is answered without a second effect (invariant 8).
 */

export class KnownCommands {
  /** Made with the first id: most entities never have one. */
  #fingerprints: Map<string, string> | undefined;
  readonly #countMax: number | undefined;

  constructor(countMax: number | undefined, known: Iterable<readonly [string, string]> = []) {
    this.#countMax = countMax;
    for (const [commandId, fingerprint] of known) this.remember(commandId, fingerprint);
  }

  /** The fingerprint that came with this id; undefined for an id never seen (or forgotten). */
  fingerprintOf(commandId: string): string | undefined {
    return this.#fingerprints?.get(commandId);
  }

  get size(): number {
    return this.#fingerprints?.size ?? 0;
  }

  remember(commandId: string, fingerprint: string): void {
    const fingerprints = (this.#fingerprints ??= new Map<string, string>());
    fingerprints.set(commandId, fingerprint);
    if (this.#countMax === undefined || fingerprints.size <= this.#countMax) return;
    for (const oldest of fingerprints.keys()) {
      fingerprints.delete(oldest);
      return;
    }
  }

  entries(): [string, string][] {
    return [...(this.#fingerprints ?? [])];
  }
}
