/**
 * Takes the shards that this worker should serve, and takes them again when an append lost them. A taken shard serves
 * only after its epoch row is durable (from then on no older owner can append) and its read models have caught up.
 *
 *   gained --epoch row, caught up--> served --append lost--> missing --still ours?--> taken again
 *                                           --hand-over, or lost--> not ours
 */
import type { Logger } from 'pino';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import type { Journal } from '../../persistence/journal.ts';
import type { ShardHead } from '../../persistence/ports.ts';
import type { Projections } from '../../persistence/projections.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import { catchUp, type CatchUpDeps } from './catch-up.ts';
import type { LogFollower } from '../entity/log-follower.ts';
import type { ShardServer } from './ownership.ts';
import type { ShardRegion } from './shard-region.ts';

export interface ShardKeeperDeps extends CatchUpDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly region: ShardRegion;
  readonly live: Projections;
  readonly writer: Journal;
  /** Resolves when it is known anew which shards are ours: before one that was lost is taken again. */
  readonly confirm: () => Promise<void>;
  /** Entities of these shards that could not be read at the last try. */
  readonly suspects: (shards: readonly number[]) => Promise<readonly { readonly entityId: string }[]>;
  readonly follower?: LogFollower;
}

/** Between two tries to take shards: entities wait for them. */
const TAKE_PAUSE_MAX_MS = 1_000;
/** A hand-over waits so long for rows on their way; the next owner's epoch ends them anyway. */
const HAND_OVER_TIMEOUT_MS = 3_000;

interface WakeUp {
  readonly shard: number;
  readonly entityId: string;
  readonly wakeAt: EpochMs;
}

export class ShardKeeper implements ShardServer {
  readonly #deps: ShardKeeperDeps;
  readonly #failure: LastingFailure;
  /**
   * Ours, and not served yet, or not any more; with the number of the request to take it. A shard that was lost and gained
   * again while it was being taken has a newer one: others may have owned it in between, so it is taken from the start.
   */
  readonly #missing = new Map<number, number>();
  #takeRequests = 0;
  /** Lost by an append, and not known yet whether they are still ours. */
  readonly #unconfirmed = new Set<number>();
  /** Ours to serve. */
  readonly #ours = new Set<number>();
  #taking: Promise<void> | undefined;
  /** Their epoch rows are on their way. */
  #beginning: ReadonlySet<number> = new Set();
  #stopped = false;

  constructor(deps: ShardKeeperDeps) {
    this.#deps = deps;
    this.#failure = new LastingFailure({
      what: "shards can't be taken",
      remedy: 'Their entities wait. Look at the reason, the database, and "npm run -s quarantine -- list".',
      log: deps.log,
      clock: deps.clock,
    });
  }

  /** What keeps shards from being taken. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  gained(shards: readonly number[]): void {
    void this.take(shards);
  }

  /** Resolves when all of them are served. Tries until it succeeds, they are lost, or it is stopped. */
  async take(shards: readonly number[]): Promise<void> {
    for (const shard of shards) {
      this.#ours.add(shard);
      this.#missing.set(shard, ++this.#takeRequests);
    }
    // A shard that was lost while the last round ended is in none: another round follows.
    while (this.#missing.size > 0 && !this.#stopped) {
      this.#taking ??= this.#takeAll().finally(() => (this.#taking = undefined));
      await this.#taking;
    }
  }

  lost(shards: readonly number[]): void {
    for (const shard of shards) {
      this.#forget(shard);
      this.#disown(shard);
    }
  }

  /** What was decided is written and its answers leave; read models are flushed, so that the next owner has little to do. */
  async handOver(shards: readonly number[]): Promise<void> {
    const { region, live, clock } = this.#deps;
    for (const shard of shards) {
      this.#forget(shard);
      region.disown(shard);
    }
    const deadline = clock.monotonicMs() + HAND_OVER_TIMEOUT_MS;
    // An epoch row that came after the next owner's would take the shard back from it.
    const isWriting = (): boolean => region.appending(shards) || shards.some((shard) => this.#beginning.has(shard));
    while (isWriting() && clock.monotonicMs() < deadline) await clock.sleep(2);
    await live.quiesce();
    await live.flush();
    // One that was lost and gained again meanwhile has a new epoch by now, or will.
    for (const shard of shards) if (!this.#ours.has(shard)) this.#disown(shard);
  }

  /** An append, or a flush, found another owner or no answer: everything of the shard in memory is void. */
  failed(shard: number): void {
    this.#disown(shard);
    if (!this.#ours.has(shard) || this.#stopped) return;
    this.#unconfirmed.add(shard);
    void this.#deps.confirm().then(() => {
      if (this.#unconfirmed.delete(shard)) void this.take([shard]);
    });
  }

  /** Shards that should be served here and are not. */
  get takingCount(): number {
    return this.#missing.size + this.#unconfirmed.size;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#taking;
  }

  /** Not ours to serve any more. */
  #forget(shard: number): void {
    this.#ours.delete(shard);
    this.#missing.delete(shard);
    this.#unconfirmed.delete(shard);
  }

  #disown(shard: number): void {
    this.#deps.region.disown(shard);
    this.#deps.writer.disown(shard);
    this.#deps.live.disown(shard);
    this.#deps.follower?.disown(shard);
  }

  async #takeAll(): Promise<void> {
    for (let attempt = 0; this.#missing.size > 0 && !this.#stopped; attempt++) {
      // Shards lost together are taken together: one turn of the event loop gathers them.
      await this.#deps.clock.nextTurn();
      const requested = new Map(this.#missing);
      if (requested.size === 0) return;
      try {
        await this.#takeOnce(requested);
        this.#failure.succeeded();
        attempt = 0;
      } catch (error) {
        this.#failure.failed(messageOf(error), { shards: requested.size });
        await this.#deps.clock.sleep(Math.min(TAKE_PAUSE_MAX_MS, backoffMs(attempt)));
        await this.#deps.confirm();
      }
    }
  }

  async #takeOnce(requested: ReadonlyMap<number, number>): Promise<void> {
    const { projections, live, region, clock, log } = this.#deps;
    const startedMs = clock.monotonicMs();
    await live.quiesce();
    const heads = await this.#beginEpochs(requested);
    const seqs = new Map([...heads].map(([shard, { seq }]) => [shard, seq]));
    const caughtUp = await catchUp(this.#deps, seqs);
    const wakeUps = await projections.wakeUps([...caughtUp]);
    const suspects = await this.#deps.suspects([...caughtUp]);
    const wakes = new Map<number, WakeUp[]>([...caughtUp].map((shard) => [shard, []]));
    for (const wakeUp of wakeUps) wakes.get(wakeUp.shard)!.push(wakeUp);
    // What was given up meanwhile has an epoch of ours and no one to serve it: its next owner begins another.
    for (const [shard, waiting] of wakes)
      if (this.#missing.get(shard) === requested.get(shard)) this.#serve(shard, heads.get(shard)!, waiting);
    for (const { entityId } of suspects) region.retryQuarantined(entityId);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    log.info({ shards: caughtUp.size, wakeUps: wakeUps.length, tookMs }, 'shards are served');
    if (caughtUp.size < requested.size)
      throw new Error(`${requested.size - caughtUp.size} shards were taken by another owner meanwhile`);
  }

  async #beginEpochs(requested: ReadonlyMap<number, number>): Promise<Map<number, ShardHead>> {
    this.#beginning = new Set(requested.keys());
    try {
      return await this.#deps.journal.takeShards([...requested.keys()], this.#deps.clock.nowMs());
    } finally {
      this.#beginning = new Set();
    }
  }

  #serve(shard: number, head: ShardHead, wakes: readonly WakeUp[]): void {
    const { live, region } = this.#deps;
    live.own(
      shard,
      head.seq,
      wakes.map(({ entityId }) => entityId),
    );
    this.#deps.follower?.own(shard, head);
    this.#deps.writer.own(new Map([[shard, head]]));
    region.own(
      shard,
      wakes.map(({ entityId, wakeAt }) => [entityId, wakeAt] as const),
    );
    this.#missing.delete(shard);
  }
}
