/**
 * Which member should own which shard: rendezvous hashing with a bound. Each shard goes to the member that weighs most
 * for it and still has room; no worker takes more than its even share. Every worker computes the same from the same
 * members, and when one comes or goes few shards move besides its own.
 */
import type { Member } from '../../persistence/ports.ts';
import type { WorkerId } from './peers.ts';
import { hash32 } from './shard-of.ts';

/**
 * Weighs by a member's place in its node, not by its process: a worker's successor gets the same shards again. Members
 * that drain get none, unless all do: orders under way there may need a shard that one of them has given away already.
 * @returns by shard; undefined where there is no member.
 */
export function desiredOwners(shards: number, members: readonly Member[]): readonly (WorkerId | undefined)[] {
  const staying = members.filter(({ draining }) => !draining);
  const takers = staying.length > 0 ? staying : members;
  if (takers.length === 0) return Array.from({ length: shards }, () => undefined);
  const room = new Map(takers.map(({ workerId }) => [workerId, Math.ceil(shards / takers.length)]));
  return Array.from({ length: shards }, (_, shard) => {
    const owner = heaviest(shard, takers, room);
    room.set(owner, room.get(owner)! - 1);
    return owner;
  });
}

function heaviest(shard: number, takers: readonly Member[], room: ReadonlyMap<WorkerId, number>): WorkerId {
  let owner: WorkerId = '';
  let most = -1;
  for (const { workerId, nodeId, slot } of takers) {
    if (room.get(workerId)! <= 0) continue;
    const weight = hash32(`${nodeId}/${slot}/${shard}`);
    // Two with one place (a worker and the successor of it that is thought dead): any order that all agree on.
    if (weight > most || (weight === most && workerId < owner)) {
      most = weight;
      owner = workerId;
    }
  }
  return owner;
}
