/**
 * This worker's part in owning the shards: keeps its membership, knows who owns what, claims the shards that it should
 * own and are free, and gives away those that another worker should own.
 *
 *   joined --begin--> member --drain--> draining: gives all away --cease--> claims nothing --stop--> gone
 *   member --lease over, by the monotonic or the wall clock--> lapsed: serves nothing --joined again--> member
 *   member --not in the group that reaches each other--> cut off: gives all away --in the group--> member
 *
 * A lease counts from before its renewal was sent. It decides who should serve; that no other worker's rows get into a
 * shard's log is the journal's business (invariant 1), so a wrong belief here costs time, never an order.
 */
import type { Logger } from 'pino';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import type { Member, MemberReach, OwnershipStore } from '../../persistence/ports.ts';
import { desiredOwners } from './desired-owners.ts';
import type { PeerReach, ShardDirectory, WorkerId } from './peers.ts';
import { reachableGroup } from './reachable-group.ts';
import { Stall } from './stall.ts';

/** By the database's clock: a member that didn't renew for so long is dead. */
export const LEASE_TTL_MS = 3_000;
/** We give up a little before the others may take over: clocks don't run alike. */
const LEASE_MARGIN_MS = 300;
/** Our clock and the database's may run so far apart before a person should look; a start refuses more, see check-server.ts. */
export const CLOCK_SKEW_WARN_MS = 2_000;
/** An answer that took longer says too little about the clock. */
const CLOCK_READING_MS_MAX = 500;
const ROUND_INTERVAL_MS = 500;
/** Between two rounds, however many want one. */
const ROUND_INTERVAL_MIN_MS = 10;

/** Who serves shards here: see shard-keeper.ts. */
export interface ShardServer {
  /** From now on these are ours to serve. */
  gained(shards: readonly number[]): void;
  /** Another worker owns them: their entities in memory are void. */
  lost(shards: readonly number[]): void;
  /** Stops serving them in order; resolves when nothing of them is under way here any more. */
  handOver(shards: readonly number[]): Promise<void>;
}

export interface OwnershipDeps {
  readonly store: OwnershipStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly me: Omit<Member, 'draining'>;
  readonly shards: number;
  readonly server: () => ShardServer;
  /** Absent: every member is reached. */
  readonly reach?: PeerReach;
  /** Owners or members are not those of before. */
  readonly changed: () => void;
}

export class Ownership implements ShardDirectory {
  readonly #deps: OwnershipDeps;
  readonly #workerId: WorkerId;
  #members = new Map<WorkerId, Member>();
  /** Who may own shards: see reachable-group.ts. */
  #group: ReadonlySet<WorkerId> = new Set();
  #admitted = false;
  #isCutOff = false;
  #owners: readonly (WorkerId | undefined)[];
  readonly #held = new Set<number>();
  /** Held still, and being given away: by which hand-over. One that outlives its lease means nothing any more. */
  readonly #leaving = new Map<number, number>();
  #handOvers = 0;
  /** Given away here; the next round tells the store. */
  #toRelease: number[] = [];
  #clockSkewMs = 0;
  #validUntilMonotonicMs = -Infinity;
  #validUntilWallMs = -Infinity;
  #claims = false;
  #draining = false;
  #stopped = false;
  readonly #failure: LastingFailure;
  readonly #stall: Stall;
  #kick: (() => void) | undefined;
  #kicked = false;
  #rounds = 0;
  #roundsWanted: { readonly round: number; readonly resolve: () => void }[] = [];
  #loop: Promise<void> | undefined;

  constructor(deps: OwnershipDeps) {
    this.#deps = deps;
    this.#workerId = deps.me.workerId;
    this.#owners = Array.from({ length: deps.shards }, () => undefined);
    this.#stall = new Stall(deps.clock);
    this.#failure = new LastingFailure({
      what: 'the lease could not be renewed',
      remedy: 'Other workers take the shards of this one. Look at the reason and the database.',
      log: deps.log,
      clock: deps.clock,
    });
    deps.store.onChange(() => this.refresh());
  }

  /** What keeps the lease from being renewed. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  /** Becomes a member that owns nothing yet. @throws what the store throws. */
  async join(): Promise<void> {
    await this.#join();
    this.#loop = this.#run();
  }

  /** From now on claims shards. */
  begin(): void {
    this.#claims = true;
    this.refresh();
  }

  /** From now on gives its shards away, if another worker can take them, and takes none that another can. */
  drain(): void {
    this.#draining = true;
    this.refresh();
  }

  /** From now on claims nothing, even if alone: the worker is about to leave. */
  cease(): void {
    this.#claims = false;
  }

  ownerOf(shard: number): WorkerId | undefined {
    return this.#owners[shard];
  }

  refresh(): void {
    this.#kicked = true;
    this.#kick?.();
  }

  /** Resolves when a round that began after this call has ended, also one that failed. */
  confirm(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      // The round under way may have looked already: the one after it counts.
      this.#roundsWanted.push({ round: this.#rounds + 2, resolve });
      this.refresh();
    });
  }

  /** True while no other worker may own what this one holds. */
  get valid(): boolean {
    const { clock } = this.#deps;
    return clock.monotonicMs() < this.#validUntilMonotonicMs && clock.nowMs() < this.#validUntilWallMs;
  }

  /** The database's clock before ours; below zero: behind. */
  get clockSkewMs(): number {
    return this.#clockSkewMs;
  }

  get held(): ReadonlySet<number> {
    return this.#held;
  }

  get members(): ReadonlyMap<WorkerId, Member> {
    return this.#members;
  }

  /** Another worker takes shards. */
  get othersTake(): boolean {
    return this.#takers().some(({ workerId, draining }) => !draining && workerId !== this.#workerId);
  }

  /** It has reached those who serve, or is alone: it may own shards. */
  get admitted(): boolean {
    return this.#admitted;
  }

  /** It owns nothing, because it and those who serve don't reach each other. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  /** Shards without an owner, as far as this worker sees. */
  get unowned(): number {
    let count = 0;
    for (const owner of this.#owners) if (owner === undefined) count++;
    return count;
  }

  /** Everybody's shards are claimed, as far as this worker sees. */
  get complete(): boolean {
    return this.#owners.every((owner) => owner !== undefined);
  }

  /** Ends the rounds. What is held stays held until the membership ends. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#kick?.();
    await this.#loop;
    for (const { resolve } of this.#roundsWanted.splice(0)) resolve();
  }

  async #join(): Promise<void> {
    const reach = this.#reach();
    await this.#deps.store.join({ ...this.#deps.me, draining: this.#draining, ...(reach && { reach }) }, LEASE_TTL_MS);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#kicked = false;
      try {
        await this.#round();
        this.#failure.succeeded();
      } catch (error) {
        this.#failure.failed(messageOf(error));
      }
      if (!this.valid) this.#lapse('the lease ran out');
      this.#rounds++;
      this.#roundsWanted = this.#roundsWanted.filter(({ round, resolve }) => {
        if (round <= this.#rounds) resolve();
        return round > this.#rounds;
      });
      await this.#pause(ROUND_INTERVAL_MIN_MS);
      if (!this.#kicked && !this.#stopped && this.#roundsWanted.length === 0) await this.#pause(ROUND_INTERVAL_MS);
    }
  }

  /** A kick ends it early, a long one only. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#kick = undefined;
        resolve();
      };
      const timer = this.#deps.clock.after(ms, done);
      if (ms > ROUND_INTERVAL_MIN_MS) this.#kick = done;
    });
  }

  async #round(): Promise<void> {
    const { store, clock } = this.#deps;
    await this.#release();
    const sentMonotonicMs = clock.monotonicMs();
    const sentWallMs = clock.nowMs();
    const membership = await store.renew(this.#workerId, LEASE_TTL_MS, this.#draining, this.#reach());
    if (this.#stopped) return;
    if (membership) this.#compareClocks(membership.databaseMs, sentWallMs, clock.monotonicMs() - sentMonotonicMs);
    for (const { workerId, nodeId, host } of membership?.evicted ?? [])
      this.#deps.log.warn(
        { workerId, nodeId, host },
        'a worker was evicted: its lease had ended, others take its shards',
      );
    if (!membership) {
      this.#lapse('this worker was taken for dead; it joins anew');
      await this.#join();
      return this.refresh();
    }
    this.#stall.renewed(sentMonotonicMs, sentWallMs);
    this.#validUntilMonotonicMs = sentMonotonicMs + LEASE_TTL_MS - LEASE_MARGIN_MS;
    this.#validUntilWallMs = sentWallMs + LEASE_TTL_MS - LEASE_MARGIN_MS;
    const members = new Map(membership.members.map((member) => [member.workerId, member]));
    const owners = membership.owners.map((owner) => (owner !== null && members.has(owner) ? owner : undefined));
    this.#settle(members, owners);
    this.#regroup();
    // What a guest took before the others know that it is admitted, one of them might take for a stranger's.
    if (!this.#claims || members.get(this.#workerId)?.reach?.admitted === false) return;
    const takers = this.#takers();
    const desired = desiredOwners(this.#deps.shards, takers);
    await this.#claim(desired);
    // Where all drain, shards are better off nowhere else.
    if (takers.some(({ draining }) => !draining)) this.#giveAway(desired);
  }

  #reach(): MemberReach | undefined {
    const { reach } = this.#deps;
    if (!reach) return undefined;
    const { unreached, hearsBroker } = reach;
    return { unreached, hearsBroker, admitted: this.#admitted, stalled: this.#stall.hasStalled() };
  }

  #takers(): readonly Member[] {
    return [...this.#members.values()].filter(({ workerId }) => this.#group.has(workerId));
  }

  #regroup(): void {
    const { reach, log } = this.#deps;
    reach?.watch(this.#members);
    this.#group = reachableGroup([...this.#members.values()], this.#owners);
    const others = [...this.#group].filter((worker) => worker !== this.#workerId);
    if (!this.#admitted && others.every((worker) => reach?.reaches(worker) ?? true)) {
      this.#admitted = true;
      if (reach) this.refresh(); // the others learn of it by the next renewal
    }
    const isCutOff = this.#members.get(this.#workerId)?.draining === false && !this.#group.has(this.#workerId);
    // A guest owns nothing yet: who started it says so.
    if (this.#admitted && isCutOff && !this.#isCutOff)
      log.error({ serving: others }, 'this worker is cut off: its shards go to workers that reach each other');
    if (this.#admitted && !isCutOff && this.#isCutOff) log.info('this worker is not cut off: it may own shards');
    this.#isCutOff = isCutOff;
  }

  /** The database answered about halfway between. */
  #compareClocks(databaseMs: EpochMs, sentWallMs: EpochMs, tookMs: number): void {
    if (tookMs > CLOCK_READING_MS_MAX) return;
    this.#clockSkewMs = Math.round(databaseMs - sentWallMs - tookMs / 2);
    if (Math.abs(this.#clockSkewMs) <= CLOCK_SKEW_WARN_MS) return;
    this.#deps.log.warn(
      { clockSkewMs: this.#clockSkewMs },
      'the clock runs apart from the database’s: orders that wait end at the wrong time; set both by NTP',
    );
  }

  /** Takes over what the store says. */
  #settle(members: Map<WorkerId, Member>, owners: readonly (WorkerId | undefined)[]): void {
    const changed =
      owners.some((owner, shard) => owner !== this.#owners[shard]) ||
      members.size !== this.#members.size ||
      [...members.keys()].some((id) => !this.#members.has(id));
    this.#members = members;
    this.#owners = owners;
    const lost = [...this.#held].filter((shard) => owners[shard] !== this.#workerId);
    const gained: number[] = [];
    owners.forEach((owner, shard) => {
      if (owner === this.#workerId && !this.#held.has(shard)) gained.push(shard);
    });
    this.#lose(lost, 'another worker owns them');
    if (this.#claims) this.#gain(gained);
    if (changed) this.#deps.changed();
  }

  async #claim(desired: readonly (WorkerId | undefined)[]): Promise<void> {
    const free: number[] = [];
    desired.forEach((owner, shard) => {
      if (owner === this.#workerId && this.#owners[shard] === undefined) free.push(shard);
    });
    if (free.length === 0) return;
    const mine = await this.#deps.store.claim(this.#workerId, free);
    if (mine.size < free.length) this.refresh(); // another was faster: look which
    if (mine.size === 0) return;
    this.#owners = this.#owners.map((owner, shard) => (mine.has(shard) ? this.#workerId : owner));
    this.#gain([...mine]);
    this.#deps.changed();
  }

  /** Shards that another worker should own go there; without other workers they stay. */
  #giveAway(desired: readonly (WorkerId | undefined)[]): void {
    const { server, log } = this.#deps;
    const shards = [...this.#held].filter((shard) => {
      const owner = desired[shard];
      return owner !== undefined && owner !== this.#workerId && !this.#leaving.has(shard);
    });
    if (shards.length === 0) return;
    const handOver = ++this.#handOvers;
    for (const shard of shards) this.#leaving.set(shard, handOver);
    const stillLeaving = (): number[] => shards.filter((shard) => this.#leaving.get(shard) === handOver);
    server()
      .handOver(shards)
      .then(
        () => {
          log.info({ shards: shards.length }, 'shards are handed over');
          this.#toRelease.push(...stillLeaving());
        },
        (error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'shards could not be handed over');
          const kept = stillLeaving();
          for (const shard of kept) this.#leaving.delete(shard);
          server().gained(kept);
        },
      )
      .finally(() => this.refresh());
  }

  /** Within a round, so that no older picture of the leases is taken for a new one. */
  async #release(): Promise<void> {
    if (this.#toRelease.length === 0) return;
    const shards = this.#toRelease;
    await this.#deps.store.release(this.#workerId, shards);
    this.#toRelease = this.#toRelease.filter((shard) => !shards.includes(shard));
    for (const shard of shards) {
      this.#held.delete(shard);
      this.#leaving.delete(shard);
    }
  }

  #gain(shards: readonly number[]): void {
    if (shards.length === 0) return;
    for (const shard of shards) this.#held.add(shard);
    this.#deps.server().gained(shards);
  }

  #lose(shards: readonly number[], reason: string): void {
    if (shards.length === 0) return;
    for (const shard of shards) {
      this.#held.delete(shard);
      this.#leaving.delete(shard);
    }
    this.#toRelease = this.#toRelease.filter((shard) => this.#held.has(shard));
    this.#deps.log.warn({ shards: shards.length, reason }, 'shards are lost');
    this.#deps.server().lost(shards);
  }

  /** Another worker may own them by now. */
  #lapse(reason: string): void {
    this.#lose([...this.#held], reason);
    this.#owners = this.#owners.map((owner) => (owner === this.#workerId ? undefined : owner));
  }
}
