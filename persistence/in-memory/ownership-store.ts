/** Members and shard leases in memory, for tests of what lies above; held to the same suite in test/contract. */
import type { Clock } from '../../kernel/clock.ts';
import type { Member, MemberReach, OwnershipStore, Renewal } from '../ports.ts';

/** What all workers of one world see. */
export class InMemoryOwnership {
  readonly members = new Map<string, { member: Member; expiresAt: number }>();
  readonly owners: (string | null)[];
  readonly listeners = new Set<() => void>();
  readonly clock: Clock;

  constructor(shards: number, clock: Clock) {
    this.owners = Array.from({ length: shards }, () => null);
    this.clock = clock;
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}

export class InMemoryOwnershipStore implements OwnershipStore {
  readonly #world: InMemoryOwnership;

  constructor(world: InMemoryOwnership) {
    this.#world = world;
  }

  join(member: Member, ttlMs: number): Promise<void> {
    const { members, owners, clock } = this.#world;
    members.set(member.workerId, {
      member: { ...member, joinedAtMs: clock.nowMs() },
      expiresAt: clock.nowMs() + ttlMs,
    });
    owners.forEach((owner, shard) => {
      if (owner === member.workerId) owners[shard] = null;
    });
    this.#world.tell();
    return Promise.resolve();
  }

  renew(workerId: string, ttlMs: number, draining: boolean, reach?: MemberReach): Promise<Renewal | undefined> {
    const { members, owners, clock } = this.#world;
    const now = clock.nowMs();
    const mine = members.get(workerId);
    const alive = mine !== undefined && mine.expiresAt > now;
    if (alive) {
      mine.expiresAt = now + ttlMs;
      const drains = draining && !mine.member.draining;
      const isNews = drains || JSON.stringify(reach) !== JSON.stringify(mine.member.reach);
      if (isNews) {
        mine.member = { ...mine.member, draining: mine.member.draining || draining, ...(reach && { reach }) };
        this.#world.tell();
      }
    }
    const evicted = [...members.values()]
      .filter(({ member, expiresAt }) => expiresAt <= now && member.workerId !== workerId)
      .map(({ member }) => member);
    if (evicted.length > 0) this.#remove(evicted.map((member) => member.workerId));
    if (!alive) return Promise.resolve(undefined);
    const living = [...members.values()]
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ member, expiresAt }) => ({ ...member, leaseLeftMs: expiresAt - now }));
    return Promise.resolve({ members: living, owners: [...owners], evicted, databaseMs: now });
  }

  claim(workerId: string, shards: readonly number[]): Promise<ReadonlySet<number>> {
    const { members, owners } = this.#world;
    const mine = new Set<number>();
    for (const shard of shards) {
      const owner = owners[shard] ?? null;
      if (!members.has(workerId) || (owner !== null && members.has(owner))) continue;
      owners[shard] = workerId;
      mine.add(shard);
    }
    if (mine.size > 0) this.#world.tell();
    return Promise.resolve(mine);
  }

  release(workerId: string, shards: readonly number[]): Promise<void> {
    const { owners } = this.#world;
    for (const shard of shards) if (owners[shard] === workerId) owners[shard] = null;
    this.#world.tell();
    return Promise.resolve();
  }

  leave(workerId: string): Promise<void> {
    this.#remove([workerId]);
    return Promise.resolve();
  }

  onChange(listener: () => void): void {
    this.#world.listeners.add(listener);
  }

  #remove(workerIds: readonly string[]): void {
    const { members, owners } = this.#world;
    for (const id of workerIds) members.delete(id);
    owners.forEach((owner, shard) => {
      if (owner !== null && workerIds.includes(owner)) owners[shard] = null;
    });
    this.#world.tell();
  }
}
