/**
 * Group commit. Owns the heads of this worker's shards and the order of their rows: while one append is in flight the
 * next batch gathers. At most one append is unfinished, so a shard's rows can't overtake each other.
 *
 * Keeps invariant 1 (seq dense per shard) and 2 (no caller hears of a row before its commit): `committed` is called in
 * the order of the log, after the statement returned. It never sends again what may have been written: after an unknown
 * outcome the shards of the batch are lost to this process and must be taken anew, with a new epoch.
 *
 *   gathering --flush--> in flight --durable-------> committed, in log order
 *                                  --refused-------> by halves, down to the row at fault; only its entity is refused
 *                                  --exists--------> without the entities that were taken for new
 *                                  --transient-----> the same batch again, after a pause
 *                                  --conflict------> that shard is lost; the rest again
 *                                  --unknown-------> every shard of the batch is lost; what gathered for them is dropped
 */
import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import { failpoint } from '../kernel/failpoints.ts';
import { messageOf } from '../kernel/errors.ts';
import { invariant } from '../kernel/invariant.ts';
import {
  AppendError,
  type AppendFailure,
  type AppendOutcome,
  type JournalStore,
  type NewRow,
  type PendingRow,
  type ShardHead,
} from './ports.ts';

/** A larger batch gains no throughput (measured: flat from 200 to 1,000 rows a commit), and delays its first row. */
const BATCH_ROWS_MAX = 500;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Beyond this the edge refuses new work; what is under way may still append. */
const GATHERED_ROWS_MAX = 20_000;
const GATHERED_BYTES_MAX = 64 * 1024 * 1024;
/** Between the beginnings of two appends, while they are of some size: a single order's rows go at once. */
const APPEND_INTERVAL_MIN_MS = 5;
const PACED_ROWS_MIN = 8;
const TRANSIENT_RETRIES_MAX = 5;
const TRANSIENT_PAUSE_MS = 20;

/** One row on its way, with those who wait for it. */
export interface AppendEntry {
  readonly row: PendingRow;
  /** The row is durable, at this place. Must not throw. */
  committed(seq: number): void;
  /** The row will not be durable under this epoch, or that is unknown. Must not throw. */
  failed(outcome: AppendOutcome): void;
}

/** This process is no longer the shard's owner; every entity of it must be dropped from memory. */
export type ShardLost = (shard: number, reason: 'conflict' | 'unknown') => void;

export interface JournalDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly shardLost: ShardLost;
}

export interface JournalFigures {
  readonly gatheredRows: number;
  readonly commits: number;
  readonly rows: number;
  /** How long rows wait without any commit; 0 while there is progress. */
  readonly stalledMs: number;
}

export class Journal {
  readonly #store: JournalStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onShardLost: ShardLost;
  readonly #heads = new Map<number, ShardHead>();
  /** Entities that are out of the batch in hand, while the rest of it is sent again: no later row of theirs may follow. */
  readonly #excluded = new Map<string, 'refused' | 'exists'>();
  /** Shards lost since the batch in hand was taken: its rows of them are void, also where they were taken anew since. */
  readonly #lost = new Set<number>();
  #gathered: AppendEntry[] = [];
  #gatheredBytes = 0;
  #flushing: Promise<void> | undefined;
  /** Monotonic ms of the last append's beginning. */
  #startedMs = -Infinity;
  /** Monotonic ms of the last commit, or of the first row after a rest. */
  #progressMs = 0;
  #batchRows = 0;
  #commits = 0;
  #rows = 0;

  constructor(store: JournalStore, { clock, log, shardLost }: JournalDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#onShardLost = shardLost;
  }

  /** From now on rows of these shards may be appended. The heads come from `JournalStore.takeShards`. */
  own(heads: ReadonlyMap<number, ShardHead>): void {
    for (const [shard, head] of heads) this.#heads.set(shard, head);
  }

  /**
   * The shard was found to have another owner: rows that wait for it are answered and never sent. What is in flight is
   * answered by its own outcome. `ShardLost` is not called.
   */
  disown(shard: number): void {
    if (!this.#heads.delete(shard)) return;
    this.#lost.add(shard);
    this.#failGathered((row) => row.shard === shard, 'not_written');
  }

  /** True at the limit of what may wait for a commit: refuse new work, finish what is under way. */
  get full(): boolean {
    return this.#gathered.length >= GATHERED_ROWS_MAX || this.#gatheredBytes >= GATHERED_BYTES_MAX;
  }

  get figures(): JournalFigures {
    const { length: gatheredRows } = this.#gathered;
    return { gatheredRows, commits: this.#commits, rows: this.#rows, stalledMs: this.stalledMs };
  }

  get stalledMs(): number {
    return this.#flushing ? Math.round(this.#clock.monotonicMs() - this.#progressMs) : 0;
  }

  /** Entries of one shard are written in the order of these calls. The answer comes by the entry's own methods. */
  append(entry: AppendEntry): void {
    if (!this.#heads.has(entry.row.shard)) {
      queueMicrotask(() => entry.failed('not_written'));
      return;
    }
    this.#gathered.push(entry);
    this.#gatheredBytes += entry.row.events.length;
    if (!this.#flushing) {
      this.#progressMs = this.#clock.monotonicMs();
      this.#flushing = this.#flush();
    }
  }

  /** Resolves when everything that was gathered has been answered. */
  async drain(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  async #flush(): Promise<void> {
    do {
      await this.#pace();
      this.#excluded.clear();
      this.#lost.clear();
      this.#startedMs = this.#clock.monotonicMs();
      const batch = this.#takeBatch();
      this.#batchRows = batch.length;
      await this.#write(batch);
    } while (this.#gathered.length > 0);
    this.#flushing = undefined;
  }

  /**
   * Lets a batch gather: a turn of the event loop, so that what the last commit set off goes with the next one and not
   * with the one after it, and under load a moment more. An append costs as much as dozens of rows in it.
   */
  async #pace(): Promise<void> {
    const pauseMs = this.#startedMs + APPEND_INTERVAL_MIN_MS - this.#clock.monotonicMs();
    if (pauseMs > 0 && this.#batchRows >= PACED_ROWS_MIN) await this.#clock.sleep(pauseMs);
    await this.#clock.nextTurn();
  }

  #takeBatch(): AppendEntry[] {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#gathered) {
      if (count >= BATCH_ROWS_MAX || (count > 0 && bytes + entry.row.events.length > BATCH_BYTES_MAX)) break;
      bytes += entry.row.events.length;
      count++;
    }
    this.#gatheredBytes -= bytes;
    return this.#gathered.splice(0, count);
  }

  /** Never throws: every entry is answered. */
  async #write(batch: readonly AppendEntry[], retries = 0): Promise<void> {
    const owned = this.#dropForeign(batch);
    if (owned.length === 0) return;
    const rows = this.#place(owned);
    try {
      await failpoint('append.before');
      const written = await this.#store.append(rows.map(([row]) => row));
      await failpoint('append.after');
      this.#commit(rows, written);
    } catch (error) {
      invariant(error instanceof AppendError, `an append fails with an AppendError, not ${messageOf(error)}`);
      await this.#recover(owned, error.failure, error, retries);
    }
  }

  /** Gives each row its place behind its shard's head; sorted by (shard, seq), so that two owners can't deadlock. */
  #place(batch: readonly AppendEntry[]): [NewRow, AppendEntry][] {
    // The sort is stable: a shard's rows stay in the order they came.
    const entries = [...batch].sort((a, b) => a.row.shard - b.row.shard);
    let shard = -1;
    let head: ShardHead = { seq: 0, epoch: 0 };
    let seq = 0;
    return entries.map((entry) => {
      const { row } = entry;
      if (row.shard !== shard) {
        shard = row.shard;
        head = this.#heads.get(shard)!;
        seq = head.seq;
      }
      return [placedRow(row, ++seq, head.epoch), entry];
    });
  }

  /** @param rows sorted by (shard, seq). */
  #commit(rows: readonly (readonly [NewRow, AppendEntry])[], written: ReadonlySet<number>): void {
    this.#commits++;
    this.#progressMs = this.#clock.monotonicMs();
    const lost = new Set<number>();
    rows.forEach(([{ shard, seq, epoch }], index) => {
      if (!written.has(shard)) lost.add(shard);
      else if (rows[index + 1]?.[0].shard !== shard && !this.#lost.has(shard)) this.#heads.set(shard, { seq, epoch });
    });
    for (const [{ shard, seq }, entry] of rows) {
      if (lost.has(shard)) continue;
      this.#rows++;
      entry.committed(seq);
    }
    for (const shard of lost)
      this.#lose(
        shard,
        'conflict',
        rows.map(([, entry]) => entry),
        'not_written',
      );
  }

  async #recover(batch: readonly AppendEntry[], failure: AppendFailure, error: Error, retries: number): Promise<void> {
    switch (failure.kind) {
      case 'refused':
        if (batch.length === 1) return this.#refuse(batch[0]!, failure.sqlState, error);
        await this.#write(batch.slice(0, batch.length >> 1));
        return this.#write(batch.slice(batch.length >> 1));
      case 'exists':
        return this.#writeWithout(failure.entityIds, batch, error);
      case 'transient':
        if (retries >= TRANSIENT_RETRIES_MAX) return this.#loseAll(batch, error);
        await this.#clock.sleep(TRANSIENT_PAUSE_MS * 2 ** retries);
        return this.#write(batch, retries + 1);
      case 'conflict':
        if (!batch.some((entry) => entry.row.shard === failure.shard)) return this.#loseAll(batch, error);
        this.#lose(failure.shard, 'conflict', batch, 'not_written');
        return this.#write(batch.filter((entry) => entry.row.shard !== failure.shard));
      case 'unknown':
        return this.#loseAll(batch, error);
    }
  }

  /** The one entity is refused, with all that was decided on top of the refused row. */
  #refuse(entry: AppendEntry, sqlState: string, error: Error): void {
    const { entityId, version } = entry.row;
    this.#log.error({ entityId, version, sqlState, err: error }, 'the database refuses a row for what it holds');
    entry.failed('refused');
    this.#exclude([entityId], 'refused');
  }

  async #writeWithout(entityIds: readonly string[], batch: readonly AppendEntry[], error: Error): Promise<void> {
    // Else the same would come again without end.
    if (!batch.some(({ row }) => entityIds.includes(row.entityId))) return this.#loseAll(batch, error);
    this.#exclude(entityIds, 'exists');
    return this.#write(batch);
  }

  #exclude(entityIds: readonly string[], outcome: 'refused' | 'exists'): void {
    for (const entityId of entityIds) this.#excluded.set(entityId, outcome);
    const excluded = new Set(entityIds); // those excluded before may have been read, and have appended, since
    this.#failGathered((row) => excluded.has(row.entityId), outcome);
  }

  #loseAll(batch: readonly AppendEntry[], error: Error): void {
    const shards = new Set(batch.map((entry) => entry.row.shard));
    this.#log.error({ shards: shards.size, rows: batch.length, err: error }, 'the outcome of an append is unknown');
    for (const shard of shards) this.#lose(shard, 'unknown', batch, 'unknown');
  }

  /** Forgets the shard; its rows in `batch` are answered with `outcome`, and those behind them were never sent. */
  #lose(shard: number, reason: 'conflict' | 'unknown', batch: readonly AppendEntry[], outcome: AppendOutcome): void {
    const isNews = !this.#lost.has(shard);
    if (isNews) {
      this.#lost.add(shard);
      this.#heads.delete(shard);
    }
    for (const entry of batch) if (entry.row.shard === shard) entry.failed(outcome);
    if (!isNews) return;
    if (reason === 'conflict') this.#log.warn({ shard }, 'another owner has the shard');
    this.#failGathered((row) => row.shard === shard, 'not_written');
    this.#onShardLost(shard, reason);
  }

  #failGathered(matches: (row: PendingRow) => boolean, outcome: AppendOutcome): void {
    const dropped = this.#gathered.filter((entry) => matches(entry.row));
    if (dropped.length === 0) return;
    this.#gathered = this.#gathered.filter((entry) => !matches(entry.row));
    for (const entry of dropped) {
      this.#gatheredBytes -= entry.row.events.length;
      entry.failed(outcome);
    }
  }

  /** Answers what belongs to a lost shard or an excluded entity; returns the rest. */
  #dropForeign(batch: readonly AppendEntry[]): AppendEntry[] {
    return batch.filter((entry) => {
      const outcome = this.#excluded.get(entry.row.entityId);
      if (!outcome && !this.#lost.has(entry.row.shard) && this.#heads.has(entry.row.shard)) return true;
      entry.failed(outcome ?? 'not_written');
      return false;
    });
  }
}

/** Written out: at tens of thousands of rows a second a spread is seen in the profile. */
function placedRow(row: PendingRow, seq: number, epoch: number): NewRow {
  const { shard, entityId, version, commandId, wakeAt, events, meta, at, onlyIfNew } = row;
  if (!onlyIfNew) return { shard, seq, epoch, entityId, version, commandId, wakeAt, events, meta, at };
  return { shard, seq, epoch, entityId, version, commandId, wakeAt, events, meta, at, onlyIfNew };
}
