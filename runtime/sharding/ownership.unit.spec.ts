/** One worker's part in owning the shards, over members and leases in memory and a clock that the test moves. */
import { expect } from 'chai';
import { InMemoryOwnership, InMemoryOwnershipStore } from '../../persistence/in-memory/ownership-store.ts';
import type { Member, MemberReach, Renewal } from '../../persistence/ports.ts';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { keptLog, type KeptLog } from '../../test/support/silent-log.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { LEASE_TTL_MS, Ownership, type ShardServer } from './ownership.ts';
import type { PeerReach, WorkerId } from './peers.ts';
import { STALL_MS, STALLED_FOR_MS } from './stall.ts';

const SHARDS = 8;

const memberOf = (workerId: string): Omit<Member, 'draining'> => ({
  workerId,
  nodeId: `node-of-${workerId}`,
  slot: 0,
  host: 'machine-1',
  socketPath: '',
  pid: 1,
  version: '0',
  hasBroker: false,
});

/** Fails, or waits, when a test says so. */
class ScriptedOwnershipStore extends InMemoryOwnershipStore {
  isAway = false;
  /** Of the database's clock before ours. */
  aheadMs = 0;
  renewals = 0;
  #gate: Promise<void> | undefined;

  /** Renewals are sent and not answered until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      open = () => {
        this.#gate = undefined;
        resolve();
      };
    });
    return open;
  }

  override async renew(
    workerId: string,
    ttlMs: number,
    draining: boolean,
    reach?: MemberReach,
  ): Promise<Renewal | undefined> {
    this.renewals++;
    if (this.isAway) throw new Error('scripted: the database is away');
    const membership = await super.renew(workerId, ttlMs, draining, reach);
    await this.#gate;
    return membership && { ...membership, databaseMs: membership.databaseMs + this.aheadMs };
  }
}

/** Records its calls. */
class RecordingServer implements ShardServer {
  readonly served = new Set<number>();
  readonly handedOver: number[] = [];
  handOverEnds: Promise<void> = Promise.resolve();

  gained(shards: readonly number[]): void {
    for (const shard of shards) this.served.add(shard);
  }

  lost(shards: readonly number[]): void {
    for (const shard of shards) this.served.delete(shard);
  }

  async handOver(shards: readonly number[]): Promise<void> {
    for (const shard of shards) {
      this.served.delete(shard);
      this.handedOver.push(shard);
    }
    await this.handOverEnds;
  }
}

/** Reaches everybody but those that a test takes away. */
class ScriptedReach implements PeerReach {
  unreached: WorkerId[] = [];
  hearsBroker = false;

  watch(): void {
    // Says what a test says.
  }

  reaches(worker: WorkerId): boolean {
    return !this.unreached.includes(worker);
  }
}

describe('ownership', () => {
  let world: InMemoryOwnership;
  let clock: HeldClock;
  let workers: Worker[];
  let kept: KeptLog;

  class Worker {
    readonly store = new ScriptedOwnershipStore(world);
    readonly server = new RecordingServer();
    readonly reach = new ScriptedReach();
    changes = 0;
    readonly ownership: Ownership;
    readonly workerId: string;

    constructor(workerId: string) {
      this.workerId = workerId;
      this.ownership = new Ownership({
        store: this.store,
        clock,
        log: kept.log,
        me: memberOf(workerId),
        shards: SHARDS,
        server: () => this.server,
        reach: this.reach,
        changed: () => this.changes++,
      });
      workers.push(this);
    }

    async start(): Promise<this> {
      await this.ownership.join();
      this.ownership.begin();
      return this;
    }

    get serves(): number {
      return this.server.served.size;
    }

    /** In the store. */
    get owns(): number {
      return world.owners.filter((owner) => owner === this.workerId).length;
    }
  }

  beforeEach(() => {
    clock = new HeldClock();
    kept = keptLog();
    world = new InMemoryOwnership(SHARDS, clock);
    workers = [];
  });
  afterEach(async () => {
    for (const { ownership } of workers) await ownership.stop();
  });

  const isAlone = async (workerId = 'a'): Promise<Worker> => {
    const worker = await new Worker(workerId).start();
    await waitUntil('it serves all', () => worker.serves === SHARDS);
    return worker;
  };

  it('a member claims nothing before it may begin', async () => {
    const worker = new Worker('a');
    await worker.ownership.join();
    await worker.ownership.confirm();
    expect(worker.ownership.valid).to.equal(true);
    expect([worker.serves, worker.owns, worker.ownership.complete]).to.deep.equal([0, 0, false]);
    worker.ownership.begin();
    await waitUntil('it serves all', () => worker.serves === SHARDS);
    expect([worker.owns, worker.ownership.complete]).to.deep.equal([SHARDS, true]);
    expect(worker.ownership.ownerOf(3)).to.equal('a');
  });

  it('two come to even shares, each knows the other’s, and what moves is handed over before it is claimed there', async () => {
    const first = await isAlone();
    let letGo = (): void => undefined;
    first.server.handOverEnds = new Promise((resolve) => (letGo = resolve));
    const second = await new Worker('b').start();
    await waitUntil('shards are handed over', () => first.server.handedOver.length === SHARDS / 2);
    await second.ownership.confirm();
    expect(second.serves, 'not while they are on their way').to.equal(0);
    expect(first.owns).to.equal(SHARDS);
    letGo();
    await waitUntil('they are served there', () => second.serves === SHARDS / 2);
    expect([...second.server.served].sort()).to.deep.equal([...first.server.handedOver].sort());
    expect([first.serves, first.owns, second.owns]).to.deep.equal([SHARDS / 2, SHARDS / 2, SHARDS / 2]);
    await waitUntil('the first knows', () => first.ownership.complete);
    for (let shard = 0; shard < SHARDS; shard++) {
      const owner = first.server.served.has(shard) ? 'a' : 'b';
      expect([first.ownership.ownerOf(shard), second.ownership.ownerOf(shard)]).to.deep.equal([owner, owner]);
    }
  });

  for (const [name, pass] of [
    ['the monotonic clock', (ms: number) => (clock.advance(ms), clock.jump(-ms))],
    ['the wall clock', (ms: number) => clock.jump(ms)],
  ] as const) {
    it(`a lease is over when ${name} alone says so; then nothing is served until it has joined anew`, async () => {
      const worker = await isAlone();
      await worker.ownership.confirm();
      worker.store.isAway = true;
      pass(LEASE_TTL_MS - 301);
      expect(worker.ownership.valid, 'a little before the others may take over').to.equal(true);
      pass(1);
      expect(worker.ownership.valid).to.equal(false);
      await worker.ownership.confirm();
      expect(worker.serves).to.equal(0);
      expect(worker.ownership.held.size).to.equal(0);
      expect(worker.ownership.ownerOf(0)).to.equal(undefined);
      expect(worker.ownership.complete).to.equal(false);
      clock.advance(LEASE_TTL_MS);
      worker.store.isAway = false;
      await waitUntil('it serves all again', () => worker.serves === SHARDS);
      expect(worker.ownership.valid).to.equal(true);
    });
  }

  it('a lease counts from before its renewal was sent', async () => {
    const worker = await isAlone();
    const open = worker.store.hold();
    const before = worker.store.renewals;
    worker.ownership.refresh();
    await waitUntil('a renewal is on its way', () => worker.store.renewals > before);
    clock.advance(LEASE_TTL_MS - 300);
    open();
    await waitUntil('it is answered', () => worker.store.renewals > before + 1);
    // The late answer gave no time; the renewal after it, sent at once, does.
    await waitUntil('the lease runs again', () => worker.ownership.valid);
    expect(clock.monotonicMs()).to.equal(LEASE_TTL_MS - 300);
  });

  it('that can’t be renewed for a while goes on: only when the lease is over are shards given up', async () => {
    const worker = await isAlone();
    worker.store.isAway = true;
    await worker.ownership.confirm();
    expect(worker.serves).to.equal(SHARDS);
    worker.store.isAway = false;
    await worker.ownership.confirm();
    expect(worker.serves).to.equal(SHARDS);
  });

  it('evicted as dead, it loses all at once, joins anew and claims what is free', async () => {
    const worker = await isAlone();
    const { server } = worker;
    let lost = 0;
    server.lost = (shards) => {
      lost += shards.length;
      for (const shard of shards) server.served.delete(shard);
    };
    await new InMemoryOwnershipStore(world).leave('a');
    await waitUntil('it serves all again', () => lost === SHARDS && worker.serves === SHARDS);
    expect(worker.owns).to.equal(SHARDS);
  });

  it('of one that died go to the other', async () => {
    const first = await isAlone();
    const second = await new Worker('b').start();
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    await second.ownership.stop();
    clock.advance(LEASE_TTL_MS - 301);
    await first.ownership.confirm();
    expect(first.serves, 'its lease still runs').to.equal(SHARDS / 2);
    clock.advance(301);
    await waitUntil('the first serves all', () => first.serves === SHARDS);
    expect(first.ownership.members.has('b')).to.equal(false);
    const evictions = kept.lines.filter(({ msg }) => String(msg).startsWith('a worker was evicted'));
    expect(evictions.map(({ workerId }) => workerId)).to.deep.equal(['b']);
  });

  it('measures how far the database’s clock is from its own, and warns beyond a bound', async () => {
    const worker = await isAlone();
    worker.store.aheadMs = 1_500;
    await worker.ownership.confirm();
    expect(worker.ownership.clockSkewMs).to.equal(1_500);
    const warnings = () => kept.lines.filter(({ clockSkewMs }) => clockSkewMs !== undefined);
    expect(warnings()).to.deep.equal([]);
    worker.store.aheadMs = -3_600_000;
    await worker.ownership.confirm();
    expect(worker.ownership.clockSkewMs).to.equal(-3_600_000);
    expect(warnings()[0]).to.include({ level: 40, clockSkewMs: -3_600_000 });
    expect(worker.serves, 'leases are the database’s business alone').to.equal(SHARDS);
  });

  it('confirm resolves after a round that began after it was called, also one that failed', async () => {
    const worker = await isAlone();
    const open = worker.store.hold();
    const before = worker.store.renewals;
    worker.ownership.refresh();
    await waitUntil('a round is under way', () => worker.store.renewals > before);
    let confirmed = false;
    const confirm = worker.ownership.confirm().then(() => (confirmed = true));
    open();
    await turns(3);
    expect(confirmed, 'the round under way may have looked before').to.equal(false);
    await confirm;
    expect(worker.store.renewals).to.be.greaterThan(before + 1);
    worker.store.isAway = true;
    await worker.ownership.confirm();
    await worker.ownership.stop();
    await worker.ownership.confirm();
  });

  it('says what is at fault when the lease can not be renewed for long, until it is', async () => {
    const worker = await isAlone();
    const [failure] = worker.ownership.failures;
    worker.store.isAway = true;
    for (let tries = 0; tries < 6; tries++) {
      await worker.ownership.confirm();
      clock.advance(2_500);
    }
    expect(failure!.text).to.include('the lease could not be renewed').and.include('the database is away');
    worker.store.isAway = false;
    await worker.ownership.confirm();
    expect(failure!.what).to.equal(undefined);
  });

  it('draining, gives all away when another worker can take it', async () => {
    const first = await isAlone();
    const second = await new Worker('b').start();
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    second.ownership.drain();
    await waitUntil('the other serves all', () => first.serves === SHARDS);
    expect([second.serves, second.owns, second.ownership.held.size]).to.deep.equal([0, 0, 0]);
    await second.ownership.confirm();
    expect(second.owns, 'and takes none').to.equal(0);
  });

  it('draining, keeps all when it is alone, or all others drain', async () => {
    const first = await isAlone();
    const second = await new Worker('b').start();
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    // As a whole node does.
    for (const [workerId, { member, expiresAt }] of world.members)
      world.members.set(workerId, { member: { ...member, draining: true }, expiresAt });
    for (const { ownership } of [first, second]) ownership.drain();
    for (let round = 0; round < 3; round++) for (const { ownership } of [first, second]) await ownership.confirm();
    expect([first.serves, second.serves]).to.deep.equal([SHARDS / 2, SHARDS / 2]);
    expect([first.server.handedOver.length, second.server.handedOver.length]).to.deep.equal([SHARDS / 2, 0]);
  });

  it('draining, takes what another that drains has given away, and nothing once it has ceased', async () => {
    const first = await isAlone();
    const second = await new Worker('b').start();
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    first.ownership.drain();
    await waitUntil('the other serves all', () => second.serves === SHARDS);
    second.ownership.drain();
    await second.ownership.confirm();
    expect(second.serves, 'all drain: they stay where they are').to.equal(SHARDS);
    second.ownership.cease();
    await second.ownership.stop();
    await second.store.leave('b');
    await waitUntil('the first serves all again', () => first.serves === SHARDS);
    first.ownership.cease();
    await first.store.release('a', [...first.server.served]);
    for (let round = 0; round < 3; round++) await first.ownership.confirm();
    expect(first.owns).to.equal(0);
  });

  it('a hand-over that fails is undone: the shards are served here', async () => {
    const first = await isAlone();
    first.server.handOver = (shards) => {
      for (const shard of shards) first.server.served.delete(shard);
      return Promise.reject(new Error('scripted'));
    };
    const second = await new Worker('b').start();
    await waitUntil('it has tried', () => second.ownership.members.size === 2 && first.ownership.members.size === 2);
    await waitUntil('it serves all', () => first.serves === SHARDS);
    expect(first.owns).to.equal(SHARDS);
  });

  /** The two don't reach each other any more. */
  const part = (first: Worker, second: Worker): void => {
    first.reach.unreached = [second.workerId];
    second.reach.unreached = [first.workerId];
    for (const { ownership } of [first, second]) ownership.refresh();
  };
  const both = async (): Promise<[Worker, Worker]> => {
    const first = await isAlone();
    const second = await new Worker('b').start();
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    return [first, second];
  };

  it('that are cut off from each other: the one that is there longer serves all, in order, and both know', async () => {
    const [first, second] = await both();
    let lost = 0;
    second.server.lost = () => lost++;
    part(first, second);
    await waitUntil('the first serves all', () => first.serves === SHARDS);
    expect([second.serves, second.owns, lost], 'handed over, not dropped').to.deep.equal([0, 0, 0]);
    expect([first.ownership.isCutOff, second.ownership.isCutOff]).to.deep.equal([false, true]);
    first.reach.unreached = [];
    second.reach.unreached = [];
    await waitUntil('both serve again', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
    expect([first.ownership.isCutOff, second.ownership.isCutOff]).to.deep.equal([false, false]);
  });

  it('that one alone finds cut: the shards go all the same, and to the one that hears the broker', async () => {
    const [first, second] = await both();
    second.reach.hearsBroker = true;
    first.reach.unreached = ['b'];
    await waitUntil('the second serves all', () => second.serves === SHARDS);
    expect(first.ownership.isCutOff).to.equal(true);
  });

  /** `frozen` sends no renewal any more, and the other finds out. @returns wakes it. */
  const freeze = async (frozen: Worker, other: Worker): Promise<() => void> => {
    const wake = frozen.store.hold();
    const before = frozen.store.renewals;
    frozen.ownership.refresh();
    await waitUntil('its last renewal is on its way', () => frozen.store.renewals > before);
    for (let passed = 0; passed < 2_000; passed += 500) {
      clock.advance(500);
      await other.ownership.confirm();
    }
    other.reach.unreached = [frozen.workerId];
    for (let round = 0; round < 3; round++) await other.ownership.confirm();
    return wake;
  };

  for (const [name, isElder] of [
    ['the elder', true],
    ['the younger', false],
  ] as const) {
    it(`while ${name} of two is frozen, the other keeps its shards, and takes all once the lease is over`, async () => {
      const [first, second] = await both();
      const [frozen, other] = isElder ? [first, second] : [second, first];
      const said = kept.lines.length;
      const wake = await freeze(frozen, other);
      expect([other.serves, other.server.handedOver.length - (isElder ? 0 : SHARDS / 2)]).to.deep.equal([
        SHARDS / 2,
        0,
      ]);
      expect(other.ownership.isCutOff).to.equal(false);
      expect(kept.lines.slice(said).filter(({ msg }) => String(msg).includes('is cut off'))).to.deep.equal([]);
      clock.advance(LEASE_TTL_MS - 2_000);
      await waitUntil('the other serves all', () => other.serves === SHARDS);
      wake();
    });
  }

  it('that was frozen and wakes before its lease is over, hands over, and takes nothing from the other', async () => {
    const [first, second] = await both();
    const wake = await freeze(first, second);
    wake();
    await waitUntil('the second serves all', () => second.serves === SHARDS);
    expect(first.ownership.isCutOff).to.equal(true);
    for (let waited = 0; waited <= STALLED_FOR_MS; waited += STALL_MS - 1) {
      clock.advance(STALL_MS - 1);
      await Promise.all(workers.map(({ ownership }) => ownership.confirm()));
    }
    expect(world.members.get('a')!.member.reach!.stalled, 'no longer').to.equal(false);
    expect([first.serves, second.serves, second.server.handedOver.length]).to.deep.equal([0, SHARDS, 0]);
    second.reach.unreached = [];
    await waitUntil('both serve again', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
  });

  it('that renews and does not hear the broker, hands over at once, also where both have stalled', async () => {
    const [first, second] = await both();
    for (const { reach } of workers) reach.hearsBroker = true;
    clock.advance(STALL_MS);
    for (let round = 0; round < 2; round++) for (const { ownership } of workers) await ownership.confirm();
    first.reach.hearsBroker = false;
    part(first, second);
    await waitUntil('the second serves all', () => second.serves === SHARDS);
  });

  it('a newcomer that reaches no member takes nothing, and takes its share once it does', async () => {
    const first = await isAlone();
    const second = new Worker('b');
    second.reach.hearsBroker = true;
    second.reach.unreached = ['a'];
    await second.start();
    for (let round = 0; round < 5; round++) for (const { ownership } of workers) await ownership.confirm();
    expect([second.ownership.admitted, second.serves, first.serves]).to.deep.equal([false, 0, SHARDS]);
    expect([first.ownership.isCutOff, second.ownership.isCutOff]).to.deep.equal([false, true]);
    second.reach.unreached = [];
    await waitUntil('both serve', () => first.serves === SHARDS / 2 && second.serves === SHARDS / 2);
  });

  it('cut off and then alone, serves all', async () => {
    const [first, second] = await both();
    part(first, second);
    await waitUntil('the first serves all', () => first.serves === SHARDS);
    first.ownership.cease();
    await first.ownership.stop();
    await first.store.leave('a');
    await waitUntil('the second serves all', () => second.serves === SHARDS);
  });

  it('draining while the other is cut off, gives all to it: no one else stays', async () => {
    const [first, second] = await both();
    part(first, second);
    await waitUntil('the first serves all', () => first.serves === SHARDS);
    first.ownership.drain();
    await waitUntil('the second serves all', () => second.serves === SHARDS);
    expect(first.ownership.othersTake).to.equal(true);
  });
});
