/**
 * A journal store that fails, or waits, when a test says so; what it writes it writes into a real in-memory log. Keeps
 * every batch that was sent to it.
 */
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import {
  AppendError,
  type AppendFailure,
  type JournalRow,
  type JournalStore,
  type ShardHead,
  type Snapshot,
  type StoredEntity,
} from '../../persistence/ports.ts';
import type { EpochMs } from '../../kernel/clock.ts';

/** What becomes of one append. `written`: an unknown outcome whose rows are there all the same. */
export type AppendScript =
  { readonly kind: 'write' } | { readonly kind: 'fail'; readonly failure: AppendFailure; readonly written?: boolean };

export const WRITE: AppendScript = { kind: 'write' };
export const unknown = (written: boolean): AppendScript => ({ kind: 'fail', failure: { kind: 'unknown' }, written });
export const transient: AppendScript = { kind: 'fail', failure: { kind: 'transient', sqlState: '40001' } };
export const refused: AppendScript = { kind: 'fail', failure: { kind: 'refused', sqlState: '22021' } };

export class ScriptedJournalStore implements JournalStore {
  /** Batches in the order they were sent, also those that failed. */
  readonly sent: (readonly JournalRow[])[] = [];
  readonly log: InMemoryLog;
  /** Reads so far, each with the entities it asked for. */
  readonly reads: (readonly string[])[] = [];
  /** Snapshots handed out. */
  snapshotsUsed = 0;
  onSnapshots: (snapshots: readonly Snapshot[]) => void = () => undefined;
  readonly #inner: InMemoryJournalStore;
  #script: (rows: readonly JournalRow[]) => AppendScript = () => WRITE;
  #gate: Promise<void> | undefined;
  #readGate: Promise<void> | undefined;
  #takeGate: Promise<void> | undefined;
  #readFailure: Error | undefined;

  constructor(log = new InMemoryLog()) {
    this.log = log;
    this.#inner = new InMemoryJournalStore(log);
  }

  /** Decides over every append from now on. */
  script(script: (rows: readonly JournalRow[]) => AppendScript): void {
    this.#script = script;
  }

  /** The next appends end so, one after another; those after them are written. */
  next(...scripts: AppendScript[]): void {
    this.#script = () => scripts.shift() ?? WRITE;
  }

  /** Appends are sent and not answered until the returned function is called. */
  hold(): () => void {
    const { gate, open } = closedGate();
    this.#gate = gate;
    return () => {
      if (this.#gate === gate) this.#gate = undefined;
      open();
    };
  }

  /** Entities are not read until the returned function is called. */
  holdReads(): () => void {
    const { gate, open } = closedGate();
    this.#readGate = gate;
    return () => {
      this.#readGate = undefined;
      open();
    };
  }

  /** Epoch rows are sent and not written until the returned function is called. */
  holdTakes(): () => void {
    const { gate, open } = closedGate();
    this.#takeGate = gate;
    return () => {
      this.#takeGate = undefined;
      open();
    };
  }

  /** Reads of entities fail so; undefined: they succeed. */
  failReads(failure: Error | undefined): void {
    this.#readFailure = failure;
  }

  async append(rows: readonly JournalRow[]): Promise<ReadonlySet<number>> {
    this.sent.push(rows);
    await (this.#gate ?? new Promise(setImmediate));
    const script = this.#script(rows);
    if (script.kind === 'write') return this.#inner.append(rows);
    if (script.written === true) await this.#inner.append(rows);
    throw new AppendError(script.failure, 'scripted');
  }

  async takeShards(shards: readonly number[], at: EpochMs): Promise<Map<number, ShardHead>> {
    await this.#takeGate;
    return this.#inner.takeShards(shards, at);
  }

  async readEntities(entityIds: readonly string[], withSnapshots: boolean): Promise<Map<string, StoredEntity>> {
    this.reads.push(entityIds);
    await (this.#readGate ?? new Promise(setImmediate));
    if (this.#readFailure) throw this.#readFailure;
    const found = await this.#inner.readEntities(entityIds, withSnapshots);
    for (const { snapshot } of found.values()) if (snapshot) this.snapshotsUsed++;
    return found;
  }

  readShard(shard: number, afterSeq: number, limit: number): Promise<JournalRow[]> {
    return this.#inner.readShard(shard, afterSeq, limit);
  }

  saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    this.onSnapshots(snapshots);
    return this.#inner.saveSnapshots(snapshots);
  }
}

function closedGate(): { readonly gate: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  return { gate, open };
}
