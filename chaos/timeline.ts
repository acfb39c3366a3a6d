/** What happened when, in ms since the load began. */

export interface TimelineEntry {
  readonly atMs: number;
  readonly kind: string;
  readonly target: string;
  /** Absent: it is not over, or has no length. */
  readonly durationMs?: number;
  /** While it lasted no node could be expected to serve. */
  readonly stopsAll: boolean;
  /** A fault of the plan that hit something. */
  readonly isFault: boolean;
}

export class Timeline {
  readonly #entries: TimelineEntry[] = [];
  readonly #startedMs = performance.now();

  nowMs(): number {
    return performance.now() - this.#startedMs;
  }

  get entries(): readonly TimelineEntry[] {
    return this.#entries;
  }

  /** @returns what ends it. */
  begin(kind: string, target: string, stopsAll: boolean, isFault = true): (target: string) => void {
    const index = this.#entries.length;
    const atMs = Math.round(this.nowMs());
    this.#entries.push({ atMs, kind, target, stopsAll, isFault });
    return (targetAtEnd) => {
      const durationMs = Math.round(this.nowMs()) - atMs;
      this.#entries[index] = { atMs, kind, target: targetAtEnd, stopsAll, isFault, durationMs };
    };
  }

  missed(kind: string, target: string): void {
    this.note(`${kind} (missed)`, `${target}: nothing to hit`);
  }

  note(kind: string, target: string): void {
    this.#entries.push({ atMs: Math.round(this.nowMs()), kind, target, stopsAll: false, isFault: false });
  }

  /** The faults that last now. */
  get current(): readonly TimelineEntry[] {
    return this.#entries.filter(({ isFault, durationMs }) => isFault && durationMs === undefined);
  }

  get faults(): readonly TimelineEntry[] {
    return this.#entries.filter(({ isFault }) => isFault);
  }
}
