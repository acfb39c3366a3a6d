/** Who may own shards when not everybody reaches everybody: one group that all agree on, and no more moves than needed. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Member, MemberReach } from '../../persistence/ports.ts';
import { LEASE_TTL_MS } from './ownership.ts';
import { LEASE_LEFT_MS_MIN, reachableGroup, reachEachOther } from './reachable-group.ts';

const memberOf = (nodeId: string, slot: number, reach: Partial<MemberReach> = {}, joinedAtMs = 0): Member => ({
  workerId: `${nodeId}-${slot}`,
  nodeId,
  slot,
  host: `machine-of-${nodeId}`,
  socketPath: '',
  pid: 1,
  version: '0',
  hasBroker: true,
  draining: false,
  joinedAtMs,
  reach: { unreached: [], hearsBroker: true, admitted: true, ...reach },
});

/** Two workers a node. */
const nodeOf = (nodeId: string, reach: Partial<MemberReach> = {}, joinedAtMs = 0): Member[] => [
  memberOf(nodeId, 0, reach, joinedAtMs),
  memberOf(nodeId, 1, reach, joinedAtMs),
];
const idsOf = (...nodes: readonly string[]): string[] => nodes.flatMap((nodeId) => [`${nodeId}-0`, `${nodeId}-1`]);
const groupOf = (members: readonly Member[], owners: readonly (string | null)[] = []): string[] =>
  [...reachableGroup(members, owners)].sort();

const cluster = fc
  .record({
    draining: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
    cut: fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 20 }),
    admitted: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    hears: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    stalled: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    left: fc.array(fc.integer({ min: 1, max: LEASE_TTL_MS }), { minLength: 9, maxLength: 9 }),
    owners: fc.array(fc.nat(8), { maxLength: 32 }),
  })
  .map(({ draining, cut, admitted, hears, stalled, left, owners }) => ({
    members: draining.map((drains, index) => {
      const unreached = cut
        .filter(([from, to]) => from === index && to !== index && to < draining.length)
        .map(([, to]) => `n${to}-0`);
      const reach = { unreached, admitted: admitted[index]!, hearsBroker: hears[index]!, stalled: stalled[index]! };
      return { ...memberOf(`n${index}`, 0, reach, index % 3), draining: drains, leaseLeftMs: left[index]! };
    }),
    owners: owners.map((owner) => `n${owner}-0`),
  }));

const silentMs = fc.integer({ min: 1, max: LEASE_LEFT_MS_MIN - 1 });
const freshMs = fc.integer({ min: LEASE_LEFT_MS_MIN, max: LEASE_TTL_MS });
/** Workers of one node, differing in all that counts. */
const side = (nodeId: string, stalled: fc.Arbitrary<boolean>) =>
  fc
    .array(fc.record({ hearsBroker: fc.boolean(), stalled, joinedAtMs: fc.nat(5) }), { minLength: 1, maxLength: 4 })
    .map((workers) => workers.map(({ joinedAtMs, ...reach }, slot) => memberOf(nodeId, slot, reach, joinedAtMs)));
const shardOwners = fc.array(
  fc.constantFrom('a', 'b').map((node) => `${node}-0`),
  { maxLength: 8 },
);
const readWith = (members: readonly Member[], leaseLeftMs: number): Member[] =>
  members.map((member) => ({ ...member, leaseLeftMs }));
/** As `one` sees it: a frozen worker lists no peer. */
const outOfReach = (one: readonly Member[], others: readonly Member[]): Member[] =>
  one.map((member) => ({ ...member, reach: { ...member.reach!, unreached: others.map(({ workerId }) => workerId) } }));

describe('the group that may own shards', () => {
  it('is all members where all reach each other, and empty without members', () => {
    expect(groupOf([...nodeOf('a'), ...nodeOf('b'), ...nodeOf('c')])).to.deep.equal(idsOf('a', 'b', 'c'));
    expect(groupOf([])).to.deep.equal([]);
  });

  it('is never empty, all in it reach each other, and none that could be in it is left out', () => {
    fc.assert(
      fc.property(cluster, ({ members, owners }) => {
        const group = reachableGroup(members, owners);
        expect(group.size).to.be.greaterThan(0);
        const inside = members.filter(({ workerId }) => group.has(workerId));
        for (const a of inside) for (const b of inside) expect(a === b || reachEachOther(a, b)).to.equal(true);
        const staying = members.filter(({ draining }) => !draining);
        const admitted = staying.filter(({ reach }) => reach!.admitted);
        for (const member of admitted)
          if (!group.has(member.workerId))
            expect(
              inside.some((other) => !reachEachOther(member, other)),
              member.workerId,
            ).to.equal(true);
        if (admitted.length > 0) expect(inside.every(({ reach }) => reach!.admitted)).to.equal(true);
        if (staying.length > 0) expect(inside.every(({ draining }) => !draining)).to.equal(true);
      }),
    );
  });

  it('is the same whatever the order in which members are known', () => {
    fc.assert(
      fc.property(cluster, fc.nat(8), ({ members, owners }, turn) => {
        const turned = [...members.slice(turn), ...members.slice(0, turn)];
        expect(groupOf(turned, owners)).to.deep.equal(groupOf(members, owners));
      }),
    );
  });

  it('stays the same while shards move to it', () => {
    fc.assert(
      fc.property(cluster, fc.array(fc.boolean(), { minLength: 32, maxLength: 32 }), ({ members, owners }, moved) => {
        const before = groupOf(members, owners);
        const now = owners.map((owner, shard) => (moved[shard] ? before[shard % before.length]! : owner));
        const group = groupOf(members, now);
        // Groups that overlap are compared as they are grown; where they don't, moves change nothing.
        const overlaps = members.some(
          (a) => before.includes(a.workerId) !== group.includes(a.workerId) && before.some((id) => group.includes(id)),
        );
        if (!overlaps) expect(group).to.deep.equal(before);
      }),
    );
  });

  it('leaves out the one that is cut off from all others, no matter which noticed', () => {
    const others = ['a', 'b'];
    for (const noticed of ['it', 'the others'] as const) {
      const lists = (nodeId: string): string[] => {
        if (nodeId === 'c') return noticed === 'it' ? idsOf('a', 'b') : [];
        return noticed === 'it' ? [] : idsOf('c');
      };
      const members = ['a', 'b', 'c'].flatMap((nodeId) => nodeOf(nodeId, { unreached: lists(nodeId) }));
      expect(groupOf(members), noticed).to.deep.equal(idsOf(...others));
    }
  });

  it('of two nodes is the one that hears the broker, also where it has fewer workers or no shard', () => {
    const a = nodeOf('a', { unreached: ['b-0'], hearsBroker: false });
    expect(groupOf([...a, memberOf('b', 0, { unreached: idsOf('a') }, 9)], idsOf('a'))).to.deep.equal(['b-0']);
  });

  it('of two equal nodes is the one that holds more shards, else the one that is there longer', () => {
    const apart = (nodeId: string, joinedAtMs: number): Member[] =>
      nodeOf(nodeId, { unreached: idsOf(nodeId === 'a' ? 'b' : 'a'), hearsBroker: false }, joinedAtMs);
    const members = [...apart('a', 5), ...apart('b', 3)];
    expect(groupOf(members, ['a-0', 'a-1', 'b-0', null])).to.deep.equal(idsOf('a'));
    expect(groupOf(members, ['a-0', 'b-0'])).to.deep.equal(idsOf('b'));
  });

  it('does not give way to a newcomer that reaches no member, however large', () => {
    const strangers = Array.from({ length: 4 }, (_, slot) =>
      memberOf('stranger', slot, { unreached: idsOf('a'), admitted: false }),
    );
    expect(groupOf([...nodeOf('a'), ...strangers])).to.deep.equal(idsOf('a'));
  });

  it('of two sides is never the one that has stopped renewing its leases, whatever it held, heard and counted', () => {
    fc.assert(
      fc.property(
        side('a', fc.boolean()),
        side('b', fc.boolean()),
        shardOwners,
        silentMs,
        freshMs,
        (a, b, owners, ...left) => {
          const members = [...readWith(a, left[0]), ...readWith(outOfReach(b, a), left[1])];
          expect(groupOf(members, owners)).to.deep.equal(b.map(({ workerId }) => workerId));
        },
      ),
    );
  });

  it('stays the same when the side that was silent renews again', () => {
    fc.assert(
      fc.property(
        side('a', fc.constant(true)),
        side('b', fc.constant(false)),
        shardOwners,
        freshMs,
        (a, b, owners, left) => {
          const members = [...readWith(a, left), ...readWith(outOfReach(b, a), LEASE_TTL_MS)];
          expect(groupOf(members, owners)).to.deep.equal(b.map(({ workerId }) => workerId));
        },
      ),
    );
  });

  it('is the same for all who read at different moments while all renew', () => {
    fc.assert(
      fc.property(cluster, fc.array(freshMs, { minLength: 18, maxLength: 18 }), ({ members, owners }, left) => {
        const readAt = (reader: number): Member[] =>
          members.map((member, index) => ({ ...member, leaseLeftMs: left[reader * 9 + index]! }));
        expect(groupOf(readAt(1), owners)).to.deep.equal(groupOf(readAt(0), owners));
      }),
    );
  });

  it('of two that have both stalled is the one that hears the broker', () => {
    const reach = { unreached: idsOf('b'), hearsBroker: false, stalled: true };
    const members = [...nodeOf('a', reach), ...nodeOf('b', { stalled: true }, 9)];
    expect(groupOf(members, idsOf('a'))).to.deep.equal(idsOf('b'));
  });

  it('counts a silent worker for nothing also where the rest of its node renews', () => {
    const [silent, rest] = nodeOf('a', { unreached: idsOf('b') });
    const members = [{ ...silent!, leaseLeftMs: 100 }, rest!, ...nodeOf('b', {}, 9)];
    expect(groupOf(members, idsOf('a'))).to.deep.equal(idsOf('b'));
  });

  it('is all members, silent or not, where none is listed as out of reach', () => {
    expect(groupOf([...readWith(nodeOf('a'), 1), ...nodeOf('b')])).to.deep.equal(idsOf('a', 'b'));
  });

  it('is the guests where none is admitted, or only one that leaves', () => {
    const guests = nodeOf('a', { admitted: false });
    expect(groupOf(guests)).to.deep.equal(idsOf('a'));
    const leaving = nodeOf('b').map((member) => ({ ...member, draining: true }));
    expect(groupOf([...guests, ...leaving])).to.deep.equal(idsOf('a'));
  });

  it('takes a worker of an older version, which does not measure, as reached', () => {
    const older = nodeOf('old').map(({ reach: _, ...member }) => member);
    expect(groupOf([...older, ...nodeOf('new')])).to.deep.equal(idsOf('new', 'old'));
  });

  it('leaves out a single worker of a node whose own way is gone', () => {
    const members = [
      ...nodeOf('a', { unreached: ['b-0'] }),
      memberOf('b', 0, { unreached: idsOf('a'), hearsBroker: false }),
      memberOf('b', 1),
    ];
    expect(groupOf(members)).to.deep.equal(['a-0', 'a-1', 'b-1']);
  });
});
