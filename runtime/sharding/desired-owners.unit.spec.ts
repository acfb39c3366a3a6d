/** The desired owners of shards: even shares, the same in every worker that computes them, and few moves. */
import { expect } from 'chai';
import type { Member } from '../../persistence/ports.ts';
import { desiredOwners } from './desired-owners.ts';

const SHARDS = 128;
const MEMBERS_MAX = 8;
/** Beside the shards that must move, so many more may: the bound on shares pushes some on. */
const EXTRA_MOVES_MAX = 0.2;

const memberOf = (nodeId: string, slot: number, changes: Partial<Member> = {}): Member => ({
  workerId: `${nodeId}-${slot}`,
  nodeId,
  slot,
  host: 'machine-1',
  socketPath: `/run/${nodeId}-${slot}.sock`,
  pid: 1,
  version: '0',
  hasBroker: false,
  draining: false,
  ...changes,
});

/** Two workers a node. */
const clusterOf = (members: number, name = 'node'): Member[] =>
  Array.from({ length: members }, (_, index) => memberOf(`${name}${index >> 1}`, index & 1));

function sharesOf(owners: readonly (string | undefined)[]): Map<string | undefined, number> {
  const shares = new Map<string | undefined, number>();
  for (const owner of owners) shares.set(owner, (shares.get(owner) ?? 0) + 1);
  return shares;
}

const movesBetween = (before: readonly unknown[], after: readonly unknown[]): number =>
  before.filter((owner, shard) => owner !== after[shard]).length;

describe('desired owners', () => {
  it('give no worker more than its even share, and every shard an owner', () => {
    for (let members = 1; members <= MEMBERS_MAX; members++) {
      for (const shards of [1, 7, 16, SHARDS, 1_000]) {
        const owners = desiredOwners(shards, clusterOf(members));
        expect(owners).to.have.length(shards);
        const shares = sharesOf(owners);
        expect(shares.has(undefined)).to.equal(false);
        expect(Math.max(...shares.values()), `${shards} shards, ${members} members`).to.be.at.most(
          Math.ceil(shards / members),
        );
      }
    }
  });

  it('are the same whatever the order in which members are known', () => {
    const members = [...clusterOf(5), memberOf('node0', 0, { workerId: 'successor-of-node0-0' })];
    const owners = desiredOwners(SHARDS, members);
    for (let turn = 1; turn < members.length; turn++) {
      const turned = [...members.slice(turn), ...members.slice(0, turn)];
      expect(desiredOwners(SHARDS, turned)).to.deep.equal(owners);
      expect(desiredOwners(SHARDS, turned.toReversed())).to.deep.equal(owners);
    }
  });

  for (let count = 2; count <= MEMBERS_MAX; count++) {
    it(`move few shards when one of ${count} goes or comes`, () => {
      for (const name of ['node', 'a', 'b7c1']) {
        const members = clusterOf(count, name);
        const before = desiredOwners(SHARDS, members);
        for (const leaver of members) {
          const after = desiredOwners(
            SHARDS,
            members.filter((member) => member !== leaver),
          );
          expect(after).not.to.include(leaver.workerId);
          const moves = movesBetween(before, after) / SHARDS;
          expect(moves, `${leaver.workerId} goes`).to.be.at.most(1 / count + EXTRA_MOVES_MAX);
        }
      }
    });
  }

  it('are the same for a worker’s successor, which has another id and the same place', () => {
    const members = clusterOf(4);
    const before = desiredOwners(SHARDS, members);
    const after = desiredOwners(
      SHARDS,
      members.map((member, index) => (index === 2 ? { ...member, workerId: 'successor', pid: 2 } : member)),
    );
    expect(after).to.deep.equal(before.map((owner) => (owner === members[2]!.workerId ? 'successor' : owner)));
  });

  it('are none that drain while others do not', () => {
    const members = clusterOf(3).map((member, index) => ({ ...member, draining: index === 1 }));
    const owners = desiredOwners(SHARDS, members);
    expect(owners).to.deep.equal(desiredOwners(SHARDS, [members[0]!, members[2]!]));
  });

  it('are all where all drain', () => {
    const members = clusterOf(4);
    const draining = members.map((member) => ({ ...member, draining: true }));
    expect(desiredOwners(SHARDS, draining)).to.deep.equal(desiredOwners(SHARDS, members));
  });

  it('are none where there is no member', () => {
    expect(desiredOwners(2, [])).to.deep.equal([undefined, undefined]);
  });
});
