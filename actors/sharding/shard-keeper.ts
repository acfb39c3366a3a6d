/**
 * Takes shards for this worker, and takes them again when an append lost them. A taken shard serves only after its
 * epoch row is durable (from then on nobody older can append) and its read models have caught up.
 */
import type { Logger } from 'pino';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Journal } from '../../persistence/journal.ts';
import type { ShardHead } from '../../persistence/ports.ts';
import type { Projections } from '../../persistence/projections.ts';
import { backoffMs } from '../entity/backoff.ts';
import { catchUp, type CatchUpDeps } from './catch-up.ts';
import type { ShardRegion } from './shard-region.ts';

export interface ShardKeeperDeps extends CatchUpDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly region: ShardRegion;
  readonly live: Projections;
}

interface WakeUp {
  readonly shard: number;
  readonly entityId: string;
  readonly wakeAt: EpochMs;
}

export class ShardKeeper {
  readonly #deps: ShardKeeperDeps;
  readonly #writer: () => Journal;
  readonly #lost = new Set<number>();
  #taking: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: ShardKeeperDeps, writer: () => Journal) {
    this.#deps = deps;
    this.#writer = writer;
  }

  /** Resolves when all of them are served. Tries until it succeeds or is stopped. */
  async take(shards: readonly number[]): Promise<void> {
    for (const shard of shards) this.#lost.add(shard);
    // A shard that was lost while the last round ended is in none: another round follows.
    while (this.#lost.size > 0 && !this.#stopped) {
      this.#taking ??= this.#takeAll().finally(() => (this.#taking = undefined));
      await this.#taking;
    }
  }

  /** An append, or a flush, found another owner or no answer: everything of the shard in memory is void. */
  lost(shard: number): void {
    this.#deps.region.disown(shard);
    this.#writer().disown(shard);
    this.#deps.live.disown(shard);
    if (!this.#stopped) void this.take([shard]);
  }

  get takingCount(): number {
    return this.#lost.size;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#taking;
  }

  async #takeAll(): Promise<void> {
    for (let attempt = 0; this.#lost.size > 0 && !this.#stopped; attempt++) {
      // Shards lost together are taken together: one turn of the event loop gathers them.
      await new Promise(setImmediate);
      const shards = [...this.#lost];
      try {
        await this.#takeOnce(shards);
        attempt = 0;
      } catch (error) {
        this.#deps.log.warn(
          { shards: shards.length, attempt, reason: messageOf(error) },
          'shards could not be taken; trying again',
        );
        await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt)));
      }
    }
  }

  async #takeOnce(shards: readonly number[]): Promise<void> {
    const { journal, projections, live, clock, log } = this.#deps;
    const startedMs = clock.monotonicMs();
    await live.quiesce();
    const heads = await journal.takeShards(shards, clock.nowMs());
    const seqs = new Map([...heads].map(([shard, { seq }]) => [shard, seq]));
    const caughtUp = await catchUp(this.#deps, seqs);
    const wakeUps = await projections.wakeUps([...caughtUp]);
    const wakes = new Map<number, WakeUp[]>([...caughtUp].map((shard) => [shard, []]));
    for (const wakeUp of wakeUps) wakes.get(wakeUp.shard)!.push(wakeUp);
    for (const [shard, waiting] of wakes) this.#serve(shard, heads.get(shard)!, waiting);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    log.info({ shards: caughtUp.size, wakeUps: wakeUps.length, tookMs }, 'shards are served');
    if (caughtUp.size < shards.length)
      throw new Error(`${shards.length - caughtUp.size} shards were taken by another owner meanwhile`);
  }

  #serve(shard: number, head: ShardHead, wakes: readonly WakeUp[]): void {
    const { live, region } = this.#deps;
    live.own(
      shard,
      head.seq,
      wakes.map(({ entityId }) => entityId),
    );
    this.#writer().own(new Map([[shard, head]]));
    region.own(
      shard,
      wakes.map(({ entityId, wakeAt }) => [entityId, wakeAt] as const),
    );
    this.#lost.delete(shard);
  }
}
