/**
 * The projections of the shards that this worker owns: views and wake-ups. Folds committed rows straight
 * from memory and flushes them now and then: one self-committing statement moves each shard's checkpoint from exactly
 * where the flush began, and writes only what belongs to the shards it moved (a frozen former owner moves none).
 *
 * A flush freezes its changes and its checkpoints together; what commits meanwhile gathers for the next. An entity that
 * settles within a flush never touches the wake-ups table.
 *
 * An entity of which something can't be written is set apart (flush-around.ts): known from then on, it is left out of
 * the flushes until it is tried again, and its shard's checkpoint goes on.
 *
 * Keeps invariant 3 (every read model equals its rebuild) and 10: the lag is bounded in rows and in time; beyond it
 * `full` tells the edge to refuse new work.
 */
import type { Logger } from 'pino';
import { failpoint } from '../kernel/failpoints.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Clock, EpochMs, Timer } from '../kernel/clock.ts';
import { LastingFailure } from '../kernel/lasting-failure.ts';
import { flushAround } from './flush-around.ts';
import type { ProjectionFlush, ProjectionStore, Unwritable } from './ports.ts';
import type { ViewChange } from './view-definition.ts';

/** Most orders settle within it, so that their view is written once; a product sold often is written once, too. */
const FLUSH_INTERVAL_MS = 400;
/** A flush is begun early at this many changed entities. */
const FLUSH_ENTITIES_MAX = 2_000;
/** Rows behind the journal, and time without a flush, at which new work is refused. */
const LAG_ROWS_MAX = 200_000;
const LAG_MS_MAX = 30_000;
const RETRY_PAUSE_MS = 500;
/** At the end; what is not written then the shard's next owner reads in the journal. */
const CLOSE_TRIES_MAX = 2;

/** What a committed row changes in the read models. */
export interface ProjectedRow {
  readonly shard: number;
  readonly seq: number;
  readonly entityId: string;
  readonly version: number;
  readonly wakeAt: EpochMs | null;
  /** Undefined where its kind has no view, or the entity does not exist. */
  readonly view: ViewChange | undefined;
}

interface ShardChanges {
  from: number;
  to: number;
}

interface ChangedWake {
  readonly shard: number;
  readonly wakeAt: EpochMs | null;
}

export interface ProjectionHooks {
  /** Entities that still wait after a flush: wake them then. */
  wakesChanged(wakes: ReadonlyMap<string, EpochMs>): void;
  /** Another owner moved the checkpoint. */
  shardLost(shard: number): void;
  /** Resolves when it stands on the list of entities set apart: the shard's checkpoint passes over it then. */
  setApart(unwritable: Unwritable): Promise<void>;
  /** An entity that stood on the list is written with all that it shows. */
  written(entityId: string): void;
}

/** What of an entity is left out. */
interface Apart {
  readonly shard: number;
  readonly what: Set<Unwritable['what']>;
}

export class Projections {
  readonly #store: ProjectionStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hooks: ProjectionHooks;
  #shards = new Map<number, ShardChanges>();
  #views = new Map<string, ViewChange>();
  #wakes = new Map<string, ChangedWake>();
  /** Shards whose views change without a new row. */
  #refreshed = new Set<number>();
  /** Entities that have, or may have, a row in the wake-ups table, by shard. */
  readonly #stored = new Map<number, Set<string>>();
  readonly #apart = new Map<string, Apart>();
  /** Stand on the list of entities set apart, by shard, until all of them is written. */
  readonly #listed = new Map<string, number>();
  readonly #failure: LastingFailure;
  #lagRows = 0;
  /** Monotonic ms: no row that is not flushed is older. */
  #lagSinceMs = 0;
  #timer: Timer | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(store: ProjectionStore, clock: Clock, log: Logger, hooks: ProjectionHooks) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#hooks = hooks;
    this.#failure = new LastingFailure({
      what: "the read models can't be written",
      remedy: 'Look at the reason, the database, and "npm run -s quarantine -- list".',
      log,
      clock,
    });
  }

  /** What keeps the read models from being written. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  /** Entities of which something can't be written. */
  get apart(): readonly string[] {
    return [...this.#apart.keys()];
  }

  get full(): boolean {
    return this.#lagRows >= LAG_ROWS_MAX || this.lagMs >= LAG_MS_MAX;
  }

  /** How long the oldest row that the read models lack has waited. */
  get lagMs(): number {
    return this.#lagRows > 0 ? Math.round(this.#clock.monotonicMs() - this.#lagSinceMs) : 0;
  }

  get lagRows(): number {
    return this.#lagRows;
  }

  /** Follows a shard from its checkpoint on. `stored`: the entities that the wake-ups table holds for it. */
  own(shard: number, checkpoint: number, stored: Iterable<string>): void {
    this.#shards.set(shard, { from: checkpoint, to: checkpoint });
    this.#stored.set(shard, new Set(stored));
  }

  /** Resolves when no flush is under way: only then may a shard's checkpoint be read to take it anew. */
  async quiesce(): Promise<void> {
    await this.#flushing;
  }

  /** Forgets a shard and everything not yet flushed of it: its next owner reads the journal. */
  disown(shard: number): void {
    const changes = this.#shards.get(shard);
    if (changes) this.#lagRows -= changes.to - changes.from;
    this.#shards.delete(shard);
    this.#stored.delete(shard);
    this.#refreshed.delete(shard);
    for (const [entityId, apart] of this.#apart) if (apart.shard === shard) this.#apart.delete(entityId);
    for (const [entityId, its] of this.#listed) if (its === shard) this.#listed.delete(entityId);
    for (const [entityId, changed] of this.#views) if (changed.shard === shard) this.#views.delete(entityId);
    for (const [entityId, wake] of this.#wakes) if (wake.shard === shard) this.#wakes.delete(entityId);
  }

  /** Rows of a shard come in the order of its log, without a hole. */
  apply(row: ProjectedRow): void {
    const changes = this.#shards.get(row.shard);
    if (!changes) return;
    if (row.seq !== changes.to + 1) {
      this.#log.error(
        { shard: row.shard, seq: row.seq, expected: changes.to + 1 },
        'a projection met a hole in its log',
      );
      this.#hooks.shardLost(row.shard);
      return;
    }
    changes.to = row.seq;
    if (this.#lagRows++ === 0) this.#lagSinceMs = this.#clock.monotonicMs();
    if (row.view) this.#views.set(row.entityId, row.view);
    // Most entities settle before anything of them was stored.
    if (row.wakeAt === null && !this.#stored.get(row.shard)!.has(row.entityId)) this.#wakes.delete(row.entityId);
    else this.#wakes.set(row.entityId, { shard: row.shard, wakeAt: row.wakeAt });
    if (this.#views.size >= FLUSH_ENTITIES_MAX) void this.flush();
    else this.#flushSoon();
  }

  /**
   * Writes an entity's view again, without a new row: it could not be read, or written, when its last rows came.
   * `isListed`: it stands on the list of entities set apart.
   */
  refresh(row: Omit<ProjectedRow, 'seq'>, isListed = false): void {
    if (!this.#shards.has(row.shard)) return;
    this.#refreshed.add(row.shard);
    if (isListed) {
      this.#apart.delete(row.entityId);
      this.#listed.set(row.entityId, row.shard);
    }
    if (row.view) this.#views.set(row.entityId, row.view);
    this.#wakes.set(row.entityId, { shard: row.shard, wakeAt: row.wakeAt });
    this.#stored.get(row.shard)?.add(row.entityId);
    this.#flushSoon();
  }

  /** Writes what has gathered. Never throws; what could not be written is tried again. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined; // also when a flush is under way: its end sets the next one
    if (this.#flushing) return this.#flushing;
    if (this.#lagRows === 0 && this.#refreshed.size === 0) return;
    this.#flushing = this.#write().finally(() => {
      this.#flushing = undefined;
      if ((this.#lagRows > 0 || this.#refreshed.size > 0) && !this.#closed) this.#flushSoon();
    });
    return this.#flushing;
  }

  /** Writes everything, if it can be written by `deadline` (monotonic ms) and within few tries. */
  async close(deadline: number): Promise<void> {
    await this.#flushing;
    for (let tries = 0; this.#lagRows > 0 && tries < CLOSE_TRIES_MAX && this.#clock.monotonicMs() < deadline; tries++)
      await this.flush();
    this.#closed = true;
    this.#timer?.cancel();
    if (this.#lagRows > 0)
      this.#log.warn(
        { rows: this.#lagRows },
        'read models are left behind; the next owner of their shards writes them',
      );
  }

  #flushSoon(): void {
    this.#timer ??= this.#clock.after(FLUSH_INTERVAL_MS, () => void this.flush());
  }

  async #write(): Promise<void> {
    const views = this.#views;
    const wakes = this.#wakes;
    this.#views = new Map();
    this.#wakes = new Map();
    const begunMs = this.#clock.monotonicMs();
    const refreshed = this.#refreshed;
    this.#refreshed = new Set();
    const moves = [...this.#shards]
      .filter(([shard, { from, to }]) => to > from || refreshed.has(shard))
      .map(([shard, { from, to }]) => ({ shard, from, to }));
    // Before anything is waited for: a flush may be begun amid a batch of rows, and the rest of it must know what is sent.
    const flush = this.#flushOf(moves, views, wakes);
    const listed = [...this.#listed].filter(([entityId]) => wakes.has(entityId));
    try {
      await failpoint('projection.before');
      const moved = await flushAround(this.#store, flush, (unwritable) => this.#setApart(unwritable));
      await failpoint('projection.after');
      this.#failure.succeeded();
      this.#settle(moves, wakes, moved);
      this.#returned(listed, moved);
      this.#lagSinceMs = begunMs;
    } catch (error) {
      // Unknown or not applied: the compare-and-set of the next try tells.
      this.#failure.failed(messageOf(error), { rows: this.#lagRows });
      this.#putBack(views, wakes);
      for (const shard of refreshed) if (this.#shards.has(shard)) this.#refreshed.add(shard);
      await this.#resynchronize(moves, wakes);
    }
  }

  /** At once, so that a flush that fails after all finds it left out the next time. */
  async #setApart(unwritable: Unwritable): Promise<void> {
    const { entityId, shard, what, reason } = unwritable;
    this.#log.error({ entityId, shard, reason }, 'an entity is set apart: not all of it can be written');
    await this.#hooks.setApart(unwritable);
    this.#listed.delete(entityId);
    if (!this.#shards.has(shard)) return;
    const known = this.#apart.get(entityId);
    if (known) known.what.add(what);
    else this.#apart.set(entityId, { shard, what: new Set([what]) });
  }

  #returned(listed: Iterable<readonly [string, number]>, moved: ReadonlySet<number>): void {
    for (const [entityId, shard] of listed) {
      // What came for it meanwhile, such as another try, is not written yet.
      if (!moved.has(shard) || this.#apart.has(entityId) || this.#wakes.has(entityId)) continue;
      if (!this.#listed.delete(entityId)) continue;
      this.#hooks.written(entityId);
    }
  }

  #isApart(entityId: string, what: Unwritable['what']): boolean {
    return this.#apart.size > 0 && this.#apart.get(entityId)?.what.has(what) === true;
  }

  /** Newer changes win over the ones put back; those of a shard that was given up meanwhile are void. */
  #putBack(views: ReadonlyMap<string, ViewChange>, wakes: ReadonlyMap<string, ChangedWake>): void {
    for (const [entityId, changed] of views) {
      if (this.#shards.has(changed.shard) && !this.#views.has(entityId)) this.#views.set(entityId, changed);
    }
    for (const [entityId, wake] of wakes) {
      if (!this.#shards.has(wake.shard)) continue;
      if (!this.#wakes.has(entityId)) this.#wakes.set(entityId, wake);
    }
  }

  /** After a failed flush a checkpoint stands where it was, where we wanted it, or somebody else moved it. */
  async #resynchronize(moves: ProjectionFlush['moves'], wakes: ReadonlyMap<string, ChangedWake>): Promise<void> {
    await this.#clock.sleep(RETRY_PAUSE_MS);
    let checkpoints: Map<number, number>;
    try {
      checkpoints = await this.#store.checkpoints(moves.map(({ shard }) => shard));
    } catch {
      return; // the database is still away: the next flush comes here again
    }
    const moved = new Set<number>();
    for (const { shard, to } of moves) {
      const changes = this.#shards.get(shard);
      if (!changes || checkpoints.get(shard) !== to || changes.from === to) continue;
      this.#lagRows -= to - changes.from;
      changes.from = to;
      moved.add(shard);
    }
    // It may be long until a shard's next flush, and until then nobody would wake them.
    const waiting = new Map<string, EpochMs>();
    for (const [entityId, wake] of wakes) {
      const isLast = this.#wakes.get(entityId) === wake;
      if (isLast && wake.wakeAt !== null && moved.has(wake.shard)) waiting.set(entityId, wake.wakeAt);
    }
    if (waiting.size > 0) this.#hooks.wakesChanged(waiting);
  }

  #flushOf(
    moves: ProjectionFlush['moves'],
    views: ReadonlyMap<string, ViewChange>,
    wakes: ReadonlyMap<string, ChangedWake>,
  ): ProjectionFlush {
    const changes: ViewChange[] = [];
    const wakeUps: ProjectionFlush['wakeUps'][number][] = [];
    const settled: ProjectionFlush['settled'][number][] = [];
    for (const [entityId, change] of views) if (!this.#isApart(entityId, 'view')) changes.push(change);
    for (const [entityId, { shard, wakeAt }] of wakes) {
      if (this.#isApart(entityId, 'wake-up')) continue;
      const stored = this.#stored.get(shard);
      if (wakeAt === null) {
        if (stored?.has(entityId)) settled.push({ shard, entityId });
        continue;
      }
      wakeUps.push({ shard, entityId, wakeAt });
      stored?.add(entityId); // from now on it may have a row, whatever becomes of this flush
    }
    return { moves, changes, wakeUps, settled };
  }

  #settle(moves: ProjectionFlush['moves'], wakes: ReadonlyMap<string, ChangedWake>, moved: ReadonlySet<number>): void {
    for (const { shard, from, to } of moves) {
      const changes = this.#shards.get(shard);
      if (changes?.from !== from) continue; // taken anew meanwhile
      if (!moved.has(shard)) {
        this.#log.warn({ shard }, 'another owner moved the checkpoint');
        this.#hooks.shardLost(shard);
        continue;
      }
      changes.from = to;
      this.#lagRows -= to - from;
    }
    const waiting = new Map<string, EpochMs>();
    for (const [entityId, { shard, wakeAt }] of wakes) {
      if (!moved.has(shard)) continue;
      if (wakeAt === null) {
        this.#stored.get(shard)?.delete(entityId);
        // An entity that has changed since is told of with the next flush.
      } else if (!this.#wakes.has(entityId)) {
        waiting.set(entityId, wakeAt);
      }
    }
    if (waiting.size > 0) this.#hooks.wakesChanged(waiting);
  }
}
