import { expect } from 'chai';
import { mock } from 'node:test';
import { HeldClock } from '../test/support/manual-clock.ts';
import { turns } from '../test/support/wait-until.ts';
import { WorkerHealth } from './worker-health.ts';

const SHARDS = 16;

describe('worker health', () => {
  let clock: HeldClock;
  let health: WorkerHealth;
  let unserved: number;
  let peers: { isCutOff: boolean; unreached: string };
  let answers: { answered: number; failed: number };
  let leaseValid: boolean;
  let stalledMs: number;
  let skewMs: number;
  let lagMs: number;
  let failing: string[];
  /** How the next pings end. */
  let pings: { resolve(): void; reject(error: Error): void }[];

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    clock = new HeldClock();
    unserved = 0;
    peers = { isCutOff: false, unreached: '' };
    answers = { answered: 0, failed: 0 };
    leaseValid = true;
    stalledMs = 0;
    skewMs = 0;
    lagMs = 0;
    failing = [];
    pings = [];
    health = new WorkerHealth({
      clock,
      ping: () =>
        new Promise<void>((resolve, reject) => {
          pings.push({ resolve, reject });
        }),
      shards: SHARDS,
      shardsUnserved: () => unserved,
      peers: () => peers,
      answers: () => answers,
      leaseValid: () => leaseValid,
      clockSkewMs: () => skewMs,
      journalStalledMs: () => stalledMs,
      projectionsLagMs: () => lagMs,
      failing: () => failing,
    });
  });
  afterEach(() => {
    health.stop();
    mock.timers.reset();
  });

  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    mock.timers.tick(ms);
    await turns(1);
  };
  const answer = async (): Promise<void> => {
    pings.at(-1)!.resolve();
    await turns(1);
  };
  const isHealthy = async (): Promise<boolean> => (await health.ready()).healthy;

  it('is degraded and ready while its clock runs apart from the database’s, and says how far', async () => {
    for (const [ms, said] of [
      [3_600_000, '3600000 ms behind the database'],
      [-2_001, '2001 ms ahead of the database'],
    ] as const) {
      skewMs = ms;
      const { healthy, checks } = await health.ready();
      expect([healthy, checks['clock']!.status]).to.deep.equal([true, 'degraded']);
      expect(checks['clock']!.detail).to.include(said);
    }
    skewMs = 2_000;
    expect((await health.ready()).checks['clock']!.status).to.equal('up');
  });

  it('is ready while the database answers, and says how fast', async () => {
    await pass(1_000);
    clock.advance(7);
    await answer();
    const { healthy, checks } = await health.ready();
    expect(healthy).to.equal(true);
    expect(checks['database']).to.include({ status: 'up', latencyMs: 7 });
  });

  it('is not ready once a ping fails, and is again once one succeeds; since when is kept', async () => {
    await pass(1_000);
    pings[0]!.reject(new Error('refused'));
    await turns(1);
    const down = (await health.ready()).checks['database']!;
    expect(down).to.include({ status: 'down', detail: 'refused' });
    await pass(1_000);
    pings[1]!.reject(new Error('refused'));
    await turns(1);
    expect((await health.ready()).checks['database']!.since).to.equal(down.since);
    await pass(1_000);
    await answer();
    expect(await isHealthy()).to.equal(true);
  });

  it('is not ready when a ping gets no answer in time: a database that hangs is down, not late', async () => {
    await pass(1_000);
    await pass(2_900);
    expect(await isHealthy()).to.equal(true);
    await pass(200);
    expect(await isHealthy()).to.equal(false);
    expect(pings, 'one ping at a time').to.have.length(1);
    await answer();
    expect(await isHealthy()).to.equal(true);
  });

  it('never takes the time limit of an answered ping for that of a later one', async () => {
    for (let second = 0; second < 3; second++) {
      await pass(1_000);
      await answer();
    }
    await pass(1_000); // the fourth is under way while the first's limit passes
    expect(pings).to.have.length(4);
    expect(await isHealthy()).to.equal(true);
  });

  it('stays ready at a hand-over; shards that are unserved for long degrade, half of them are too many', async () => {
    const shards = async (): Promise<unknown> => (await health.ready()).checks['shards']!.status;
    unserved = SHARDS;
    expect([await isHealthy(), await shards()]).to.deep.equal([true, 'up']);
    clock.advance(900);
    unserved = 0;
    expect(await shards()).to.equal('up');
    clock.advance(900);
    unserved = 1;
    expect(await shards()).to.equal('up');
    clock.advance(1_000);
    expect([await isHealthy(), await shards()]).to.deep.equal([true, 'degraded']);
    clock.advance(60_000);
    expect(await isHealthy(), 'most orders succeed').to.equal(true);
    unserved = SHARDS / 2;
    expect(await isHealthy(), 'not at once').to.equal(true);
    clock.advance(3_000);
    const { checks } = await health.ready();
    expect(checks['shards']).to.include({ status: 'down', detail: `8 of 16 shards are not served` });
    unserved = SHARDS / 2 - 1;
    expect([await isHealthy(), await shards()]).to.deep.equal([true, 'degraded']);
    unserved = 0;
    expect(await shards()).to.equal('up');
  });

  it('is not ready once its node ends; it lives all the same', async () => {
    expect(await isHealthy()).to.equal(true);
    health.retire();
    expect(await isHealthy()).to.equal(false);
    expect(health.live().healthy).to.equal(true);
  });

  it('is degraded, and ready, while events wait for long to be published, however few they are', () => {
    const lag = { lagRows: 90, lagMs: 60_000 };
    let refusal: string | undefined;
    let trouble: string | undefined;
    const deps = {
      clock,
      ping: () => Promise.resolve(),
      shards: SHARDS,
      shardsUnserved: () => 0,
      leaseValid: () => true,
    };
    const progress = {
      clockSkewMs: () => 0,
      journalStalledMs: () => 0,
      projectionsLagMs: () => 0,
      failing: () => [],
      peers: () => peers,
      answers: () => answers,
    };
    const relaying = new WorkerHealth({
      ...deps,
      ...progress,
      broker: { state: () => 'up', lag: () => lag, refusal: () => refusal, trouble: () => trouble },
    });
    try {
      expect(relaying.checks()['broker']).to.include({ status: 'up' });
      lag.lagMs = 60_001;
      const detail = '90 rows wait to be published, the oldest for 60001 ms';
      expect(relaying.checks()['broker']).to.include({ status: 'degraded', detail });
      trouble = 'no commands are taken from their queue';
      expect(relaying.checks()['broker']).to.include({ status: 'degraded', detail: trouble });
      refusal = 'the virtual host belongs to another deployment';
      expect(relaying.checks()['broker']).to.include({ status: 'degraded', detail: refusal });
    } finally {
      relaying.stop();
    }
  });

  it('is degraded and ready while something is tried again and again, and says each kind of it once', async () => {
    failing = ['RabbitMQ can not be used', 'a step of an entity fails', 'RabbitMQ can not be used'];
    const { healthy, checks } = await health.ready();
    expect(healthy).to.equal(true);
    const detail = 'RabbitMQ can not be used; a step of an entity fails';
    expect(checks['failing']).to.include({ status: 'degraded', detail });
    failing = [];
    expect((await health.ready()).checks['failing'])
      .to.include({ status: 'up' })
      .and.not.have.property('detail');
  });

  it('cut off from those who serve it is not ready; who serves for one that is out of reach is', async () => {
    peers = { isCutOff: false, unreached: 'node b' };
    expect((await health.ready()).checks['peers']).to.include({ status: 'degraded', detail: 'out of reach: node b' });
    expect(await isHealthy()).to.equal(true);
    peers = { isCutOff: true, unreached: 'node a' };
    const { checks, healthy } = await health.ready();
    expect([healthy, checks['peers']!.status, checks['peers']!.detail]).to.deep.equal([
      false,
      'down',
      'this worker is cut off from node a; they serve all shards',
    ]);
  });

  it('is not ready while nearly all requests fail, degraded while many do, and neither for a few', async () => {
    const seconds = async (count: number, answered: number, failed: number): Promise<unknown> => {
      for (let second = 0; second < count; second++) {
        answers = { answered: answers.answered + answered, failed: answers.failed + failed };
        await pass(1_000);
        await answer();
      }
      return (await health.ready()).checks['requests']!.status;
    };
    expect(await seconds(20, 100, 0)).to.equal('up');
    expect(await seconds(10, 1, 1), 'one caller’s bad luck').to.equal('up');
    expect(await seconds(10, 100, 20)).to.equal('degraded');
    expect(await isHealthy()).to.equal(true);
    expect(await seconds(10, 100, 80)).to.equal('down');
    expect(await isHealthy()).to.equal(false);
    expect(await seconds(10, 0, 0), 'no request comes any more: it is tried again').to.equal('up');
    expect(await isHealthy()).to.equal(true);
  });

  it('is not ready without a lease, while the journal makes no progress, or with read models far behind', async () => {
    leaseValid = false;
    const first = (await health.ready()).checks['lease']!;
    expect(first).to.include({ status: 'down', detail: 'the lease could not be renewed' });
    clock.advance(5_000);
    expect((await health.ready()).checks['lease']!.since).to.equal(first.since);
    leaseValid = true;
    const again = (await health.ready()).checks['lease']!;
    expect(again.status).to.equal('up');
    expect(Date.parse(again.since!) - Date.parse(first.since!)).to.equal(5_000);

    stalledMs = 2_000;
    expect(await isHealthy(), 'an append may take so long').to.equal(true);
    stalledMs = 2_001;
    expect((await health.ready()).checks['journal']).to.include({ status: 'down', detail: 'no commit for 2001 ms' });
    expect(await isHealthy()).to.equal(false);
    stalledMs = 0;

    lagMs = 10_000;
    expect(await isHealthy(), 'a flush may be late').to.equal(true);
    lagMs = 10_001;
    expect((await health.ready()).checks['projections']).to.include({ status: 'down' });
    expect(await isHealthy()).to.equal(false);
  });
});
