/**
 * Which members may own shards: the best group of workers in which each reaches each. Every worker computes the same
 * group from the same rows, so that a worker that is cut off gives its shards away and those that serve them take them.
 *
 *   guest --reaches the whole group--> admitted --a peer can't be reached--> the lesser group gives its shards away
 *
 * A member that has stopped renewing its lease is frozen or gone, whatever its row says of reach: in a split it counts
 * for nothing, and when it comes back it counts less for a while, or shards would move to it and back.
 *
 * A newcomer is a guest: it has no say before it has reached those who serve. A node that is given another broker, or
 * another virtual host, takes no shards.
 */
import type { Member } from '../../persistence/ports.ts';
import type { WorkerId } from './peers.ts';

/** With less left of a lease of 3 s, see ownership.ts, three renewals were due and none came. */
export const LEASE_LEFT_MS_MIN = 1_500;

/**
 * Compared in this order: first by the steady members alone, then by all that renew their leases. Who hears the broker
 * can publish; more workers bear more; where both are equal those who hold more shards have less to move, and those who
 * are there longer have proved themselves.
 */
interface Worth {
  readonly steady: Strength;
  readonly renewing: Strength;
  readonly shards: number;
  readonly sinceMs: number;
  readonly firstId: WorkerId;
}

interface Strength {
  hearBroker: number;
  size: number;
}

/**
 * Members that drain have no say while another stays. Which groups of workers fully reach each other is a hard question
 * in general: the groups that are grown from each member are compared. Networks split into parts that don't overlap,
 * and for these that is exact.
 *
 * @param owners by shard.
 */
export function reachableGroup(
  members: readonly Member[],
  owners: readonly (WorkerId | null | undefined)[],
): ReadonlySet<WorkerId> {
  const voters = votersOf(members);
  if (voters.every(({ reach }) => reach === undefined || reach.unreached.length === 0)) return idsOf(voters);
  const shards = new Map<WorkerId, number>();
  for (const owner of owners) if (owner) shards.set(owner, (shards.get(owner) ?? 0) + 1);
  const shardsOf = ({ workerId }: Member): number => shards.get(workerId) ?? 0;
  const ranked = voters.toSorted((a, b) => compare(worthOf([a], shardsOf), worthOf([b], shardsOf)));
  let best: readonly Member[] = [];
  for (const seed of ranked) {
    const group = [seed];
    for (const member of ranked) {
      if (member !== seed && group.every((other) => reachEachOther(member, other))) group.push(member);
    }
    if (best.length === 0 || compare(worthOf(group, shardsOf), worthOf(best, shardsOf)) < 0) best = group;
  }
  return idsOf(best);
}

/** Neither has found the other out of reach. */
export function reachEachOther(a: Member, b: Member): boolean {
  return !(a.reach?.unreached.includes(b.workerId) || b.reach?.unreached.includes(a.workerId));
}

function votersOf(members: readonly Member[]): readonly Member[] {
  const staying = members.filter(({ draining }) => !draining);
  const admitted = staying.filter(({ reach }) => reach === undefined || reach.admitted);
  if (admitted.length > 0) return admitted;
  return staying.length > 0 ? staying : members;
}

function worthOf(group: readonly Member[], shardsOf: (member: Member) => number): Worth {
  const steady: Strength = { hearBroker: 0, size: 0 };
  const renewing: Strength = { hearBroker: 0, size: 0 };
  let [shards, sinceMs] = [0, Infinity];
  let firstId = group[0]!.workerId;
  for (const member of group) {
    if (renews(member)) {
      add(renewing, member);
      if (!member.reach?.stalled) add(steady, member);
    }
    shards += shardsOf(member);
    sinceMs = Math.min(sinceMs, member.joinedAtMs ?? 0);
    if (member.workerId < firstId) firstId = member.workerId;
  }
  return { steady, renewing, shards, sinceMs, firstId };
}

function renews({ leaseLeftMs }: Member): boolean {
  return leaseLeftMs === undefined || leaseLeftMs >= LEASE_LEFT_MS_MIN;
}

function add(strength: Strength, { reach }: Member): void {
  strength.size++;
  if (reach?.hearsBroker) strength.hearBroker++;
}

/** Below zero: `a` is worth more. */
function compare(a: Worth, b: Worth): number {
  return (
    compareStrength(a.steady, b.steady) ||
    compareStrength(a.renewing, b.renewing) ||
    b.shards - a.shards ||
    (a.sinceMs === b.sinceMs ? 0 : a.sinceMs - b.sinceMs) ||
    (a.firstId < b.firstId ? -1 : a.firstId > b.firstId ? 1 : 0)
  );
}

function compareStrength(a: Strength, b: Strength): number {
  return b.hearBroker - a.hearBroker || b.size - a.size;
}

function idsOf(members: readonly Member[]): ReadonlySet<WorkerId> {
  return new Set(members.map(({ workerId }) => workerId));
}
