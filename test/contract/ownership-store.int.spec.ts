/**
 * What every store of members and leases promises. Its clock decides which members live: the stores in PostgreSQL are
 * held to real, short leases, the one in memory to a clock that the test moves.
 */
import { expect } from 'chai';
import pg from 'pg';
import { InMemoryOwnership, InMemoryOwnershipStore } from '../../persistence/in-memory/ownership-store.ts';
import { PostgresOwnershipStore } from '../../persistence/postgres/ownership-store.ts';
import type { Member, OwnershipStore } from '../../persistence/ports.ts';
import { HeldClock } from '../support/manual-clock.ts';
import { scratchDatabaseOrSkip } from '../support/postgres-database.ts';
import type { ScratchDatabase } from '../support/scratch-database.ts';
import { createScratchDatabase } from '../support/scratch-database.ts';
import { waitUntil } from '../support/wait-until.ts';

const SHARDS = 12;
const LONG_MS = 60_000;
/** Real time passes in PostgreSQL: short enough to wait for. */
const SHORT_MS = 150;
/** Long enough to be renewed on a busy machine before it is over. */
const MIDDLE_MS = 2_000;

interface Subject {
  readonly name: string;
  open(hook: Mocha.Context): Promise<World>;
}

interface World {
  /** One worker's store. */
  store(workerId: string): OwnershipStore;
  /** Resolves when leases of so long that begin now, or began before, are over. */
  outlive(ttlMs?: number): Promise<void>;
  readonly database?: ScratchDatabase;
  close(): Promise<void>;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'in memory',
    open: () => {
      const clock = new HeldClock();
      const ownership = new InMemoryOwnership(SHARDS, clock);
      return Promise.resolve({
        store: () => new InMemoryOwnershipStore(ownership),
        outlive: (ttlMs = SHORT_MS) => Promise.resolve(clock.advance(ttlMs)),
        close: () => Promise.resolve(),
      });
    },
  },
  {
    name: 'PostgreSQL',
    open: async (hook) => {
      const database = await scratchDatabaseOrSkip(hook);
      await database.query('INSERT INTO shard_leases (shard) SELECT generate_series(0, $1::int - 1)', [SHARDS]);
      const opened: PostgresOwnershipStore[] = [];
      return {
        store: (workerId) => {
          const store = new PostgresOwnershipStore(database.url, `holdfast/${workerId}`);
          opened.push(store);
          return store;
        },
        outlive: async (ttlMs = SHORT_MS) => {
          await database.query('SELECT pg_sleep($1)', [(ttlMs + 30) / 1_000]);
        },
        database,
        close: async () => {
          await Promise.all(opened.map((store) => store.close()));
          await database.drop();
        },
      };
    },
  },
];

let workers = 0;
const freshId = (): string => `w${++workers}-${process.pid}`;
const memberOf = (workerId: string, changes: Partial<Member> = {}): Member => ({
  workerId,
  nodeId: 'node-1',
  slot: 3,
  host: 'machine-1',
  socketPath: `/run/${workerId}.sock`,
  pid: 42,
  version: '1.2.3',
  hasBroker: true,
  draining: false,
  ...changes,
});
const sorted = (shards: Iterable<number>): number[] => [...shards].sort((a, b) => a - b);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

for (const subject of SUBJECTS) {
  describe(`ownership store: ${subject.name}`, function () {
    this.timeout(20_000);
    let world: World;

    beforeEach(async function () {
      world = await subject.open(this);
    });
    afterEach(async () => {
      await (world as World | undefined)?.close();
    });

    /** A member with a store of its own. */
    const joined = async (ttlMs = LONG_MS, changes: Partial<Member> = {}) => {
      const workerId = freshId();
      const store = world.store(workerId);
      await store.join(memberOf(workerId, changes), ttlMs);
      return { workerId, store, renew: (ms = LONG_MS, draining = false) => store.renew(workerId, ms, draining) };
    };

    it('a worker that joins is a member, as it said, and owns nothing', async () => {
      const one = await joined(LONG_MS, { draining: true, slot: 7 });
      const membership = await one.renew();
      expect(membership!.members.map(({ joinedAtMs: _, leaseLeftMs: __, ...member }) => member)).to.deep.equal([
        memberOf(one.workerId, { draining: true, slot: 7 }),
      ]);
      expect(membership!.owners).to.deep.equal(range(0, SHARDS).map(() => null));
    });

    it('tells how much of each lease is left, its own in full', async () => {
      const [early, late] = [await joined(LONG_MS), await joined(LONG_MS)];
      await world.outlive(SHORT_MS);
      const { members } = (await late.renew())!;
      const leftOf = ({ workerId }: { workerId: string }): number =>
        members.find((member) => member.workerId === workerId)!.leaseLeftMs!;
      expect(leftOf(late)).to.equal(LONG_MS);
      expect(leftOf(early)).to.be.within(0, LONG_MS - SHORT_MS);
    });

    it('members see each other, and who owns what', async () => {
      const [one, two] = [await joined(), await joined()];
      await one.store.claim(one.workerId, [2, 5]);
      await two.store.claim(two.workerId, [3]);
      const membership = await two.renew();
      expect(membership!.members.map(({ workerId }) => workerId)).to.have.members([one.workerId, two.workerId]);
      expect(membership!.owners.slice(0, 6)).to.deep.equal([
        null,
        null,
        one.workerId,
        two.workerId,
        null,
        one.workerId,
      ]);
    });

    it('a lease that is renewed in time goes on; otherwise another’s renewal evicts the member and frees its shards', async () => {
      const [dying, living] = [await joined(MIDDLE_MS), await joined(MIDDLE_MS)];
      await dying.store.claim(dying.workerId, [0, 1]);
      await living.store.claim(living.workerId, [2]);
      expect(await living.renew(LONG_MS)).not.to.equal(undefined);
      await world.outlive(MIDDLE_MS);
      const evicting = await living.renew();
      const membership = await living.renew();
      expect(evicting!.evicted.map(({ workerId }) => workerId)).to.deep.equal([dying.workerId]);
      expect(membership!.evicted).to.deep.equal([]);
      expect(membership!.members.map(({ workerId }) => workerId)).to.deep.equal([living.workerId]);
      expect(membership!.owners.slice(0, 3)).to.deep.equal([null, null, living.workerId]);
      expect(sorted(await living.store.claim(living.workerId, [0, 1]))).to.deep.equal([0, 1]);
    });

    it('a member whose lease is over is none, even before it is evicted', async () => {
      const late = await joined(SHORT_MS);
      await world.outlive();
      expect(await late.renew()).to.equal(undefined);
    });

    it('an evicted worker learns that it is no member, claims nothing, and may join anew without its shards', async () => {
      const [evicted, other] = [await joined(SHORT_MS), await joined()];
      await evicted.store.claim(evicted.workerId, [4]);
      await world.outlive();
      await other.renew();
      expect(await evicted.renew().catch(() => evicted.renew())).to.equal(undefined);
      expect([...(await evicted.store.claim(evicted.workerId, [4, 5]))]).to.deep.equal([]);
      await evicted.store.join(memberOf(evicted.workerId), LONG_MS);
      const membership = await evicted.renew();
      expect(membership!.members).to.have.length(2);
      expect(membership!.owners).not.to.include(evicted.workerId);
    });

    it('joining again gives up what was owned: nothing of it is served', async () => {
      const one = await joined();
      await one.store.claim(one.workerId, [1, 2]);
      await one.store.join(memberOf(one.workerId), LONG_MS);
      expect((await one.renew())!.owners).not.to.include(one.workerId);
    });

    it('several that claim the same shards at once: each shard is exactly one’s', async () => {
      const claimants = await Promise.all(range(0, 5).map(() => joined()));
      const claims = await Promise.all(
        claimants.map(({ workerId, store }, index) => {
          const wanted = range(0, SHARDS);
          return store.claim(workerId, index % 2 === 0 ? wanted : wanted.reverse());
        }),
      );
      expect(sorted(claims.flatMap((claim) => [...claim]))).to.deep.equal(range(0, SHARDS));
      const { owners } = (await claimants[0]!.renew())!;
      claims.forEach((claim, index) => {
        for (const shard of claim) expect(owners[shard]).to.equal(claimants[index]!.workerId);
      });
    });

    it('a shard of a living member can’t be claimed, and a stranger claims nothing', async () => {
      const [one, two] = [await joined(), await joined()];
      expect(sorted(await one.store.claim(one.workerId, [1, 2]))).to.deep.equal([1, 2]);
      expect(sorted(await two.store.claim(two.workerId, [1, 2, 3]))).to.deep.equal([3]);
      const stranger = freshId();
      expect([...(await world.store(stranger).claim(stranger, [7]))]).to.deep.equal([]);
      expect((await one.renew())!.owners.slice(1, 4)).to.deep.equal([one.workerId, one.workerId, two.workerId]);
    });

    it('what is released another may claim; only its owner releases a shard', async () => {
      const [one, two] = [await joined(), await joined()];
      await one.store.claim(one.workerId, [1, 2]);
      await two.store.release(two.workerId, [1, 2]);
      expect([...(await two.store.claim(two.workerId, [1, 2]))]).to.deep.equal([]);
      await one.store.release(one.workerId, [1]);
      expect(sorted(await two.store.claim(two.workerId, [1, 2]))).to.deep.equal([1]);
    });

    it('a member that leaves is none at once, and its shards are free', async () => {
      const [one, two] = [await joined(), await joined()];
      await one.store.claim(one.workerId, [1]);
      await one.store.leave(one.workerId);
      const membership = await two.renew();
      expect(membership!.members.map(({ workerId }) => workerId)).to.deep.equal([two.workerId]);
      expect(membership!.owners[1]).to.equal(null);
      expect(await one.renew()).to.equal(undefined);
    });

    it('once draining a member stays so, whatever its later renewals say', async () => {
      const one = await joined();
      await one.renew(LONG_MS, true);
      const membership = await one.renew(LONG_MS, false);
      expect(membership!.members[0]!.draining).to.equal(true);
    });

    it('what a member says of its reach the others read, with who is there longer', async () => {
      const guest = { unreached: [], hearsBroker: false, admitted: false };
      const [one, two] = [await joined(LONG_MS, { reach: guest }), await joined()];
      const before = (await two.renew())!.members.find(({ workerId }) => workerId === one.workerId)!;
      expect(before.reach, 'from when it joins').to.deep.equal(guest);
      const reach = { unreached: [two.workerId], hearsBroker: true, admitted: false };
      const own = await one.store.renew(one.workerId, LONG_MS, false, reach);
      expect(own!.members.find(({ workerId }) => workerId === one.workerId)!.reach, 'at once').to.deep.equal(reach);
      const members = new Map((await two.renew())!.members.map((member) => [member.workerId, member]));
      expect(members.get(one.workerId)!.reach).to.deep.equal(reach);
      expect(members.get(two.workerId), 'one that does not measure').not.to.have.property('reach');
      const [first, second] = [members.get(one.workerId)!.joinedAtMs!, members.get(two.workerId)!.joinedAtMs!];
      expect(first).to.be.greaterThan(0).and.at.most(second);
      await one.store.renew(one.workerId, LONG_MS, false, { ...reach, unreached: [] });
      const later = (await two.renew())!.members.find(({ workerId }) => workerId === one.workerId)!;
      expect([later.reach!.unreached, later.joinedAtMs]).to.deep.equal([[], first]);
    });

    it('notifies the others when a member joins, claims, releases, begins to drain, reaches other peers or leaves', async () => {
      const listener = await joined();
      let told = 0;
      listener.store.onChange(() => told++);
      const expectTold = async (what: string, act: () => Promise<unknown>): Promise<void> => {
        const before = told;
        await act();
        await waitUntil(`it is notified of one that ${what}`, () => told > before);
      };
      const workerId = freshId();
      const store = world.store(workerId);
      await expectTold('joins', () => store.join(memberOf(workerId), LONG_MS));
      await expectTold('claims', () => store.claim(workerId, [1]));
      await expectTold('releases', () => store.release(workerId, [1]));
      await expectTold('begins to drain', () => store.renew(workerId, LONG_MS, true));
      const reach = { unreached: [], hearsBroker: true, admitted: true };
      await expectTold('reaches others', () => store.renew(workerId, LONG_MS, true, reach));
      await expectTold('leaves', () => store.leave(workerId));
    });

    if (subject.name === 'PostgreSQL') {
      it('evicts a member whose own half-sent transaction holds its row, and ends that session', async () => {
        const [dying, living] = [await joined(SHORT_MS), await joined()];
        await dying.store.claim(dying.workerId, [6]);
        const halfSent = new pg.Client({
          connectionString: world.database!.url,
          application_name: `holdfast/${dying.workerId}/x`,
        });
        let ended = false;
        halfSent.on('error', () => undefined);
        halfSent.on('end', () => (ended = true));
        await halfSent.connect();
        await halfSent.query('BEGIN');
        await halfSent.query('UPDATE members SET pid = pid WHERE worker_id = $1', [dying.workerId]);
        await halfSent.query('UPDATE shard_leases SET owner = owner WHERE owner = $1', [dying.workerId]);
        await world.outlive();
        await living.renew();
        await waitUntil('its session is ended', () => ended);
        expect([...(await living.store.claim(living.workerId, [6]))]).to.deep.equal([6]);
        expect((await living.renew())!.members.map(({ workerId }) => workerId)).to.deep.equal([living.workerId]);
      });

      it('leaves the sessions of others alone when it evicts', async () => {
        const [dying, living, third] = [await joined(SHORT_MS), await joined(), await joined()];
        const pids = async () => {
          const rows = await world.database!.query(
            'SELECT pid FROM pg_stat_activity WHERE application_name = ANY($1)',
            [[living, third].map(({ workerId }) => `holdfast/${workerId}/ownership`)],
          );
          return rows.map(({ pid }) => pid).sort();
        };
        const before = await pids();
        expect(before).to.have.length(2);
        await world.outlive();
        await living.renew();
        expect(await pids()).to.deep.equal(before);
        expect((await third.renew())!.members).to.have.length(2);
        expect(dying.workerId).not.to.equal(third.workerId);
      });

      it('leaves the sessions of a namesake in another database alone: a copy has its original’s members', async () => {
        const [dying, living] = [await joined(SHORT_MS), await joined()];
        const elsewhere = await createScratchDatabase({ migrated: false });
        const application_name = `holdfast/${dying.workerId}/ownership`;
        const namesake = new pg.Client({ connectionString: elsewhere.url, application_name });
        namesake.on('error', () => undefined);
        try {
          await namesake.connect();
          await world.outlive();
          expect((await living.renew())!.members.map(({ workerId }) => workerId)).to.not.include(dying.workerId);
          expect((await namesake.query('SELECT 1')).rowCount).to.equal(1);
        } finally {
          await namesake.end().catch(() => undefined);
          await elsewhere.drop();
        }
      });
    }
  });
}
