/** What a worker takes for reachable: by the answers it gets, over ways that a test opens and closes. */
import { expect } from 'chai';
import { mock } from 'node:test';
import { failed, type Ask, type ShardAnswer } from '../runtime/ask.ts';
import type { ShardReply } from '../runtime/entity/entity-host.ts';
import type { Member } from '../persistence/ports.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { PeerRouter } from './peer-router.ts';
import { answerPing, PeerWatch, PING_INTERVAL_MS, STEADY_MS, UNREACHED_AFTER_MS, type Way } from './peer-watch.ts';

const memberOf = (nodeId: string, slot: number, host = 'machine-1', hasBroker = true): Member => ({
  workerId: `${nodeId}-${slot}`,
  nodeId,
  slot,
  host,
  socketPath: '',
  pid: 1,
  version: '0',
  hasBroker,
  draining: false,
});

const done: ShardAnswer = { kind: 'done', value: 1, replayed: false, version: 1, origin: { shard: 0, seq: 0 } };

class ScriptedWay implements Way {
  /** `open` answers, `refuses` at once, `silent` when the ask's time is over. */
  state: 'open' | 'refuses' | 'silent' = 'open';
  asks = 0;
  pings = 0;
  answers = 0;
  readonly #waiting: ShardReply[] = [];

  ask(_owner: string, ask: Ask, _internal: boolean, reply: ShardReply): void {
    if (this.state === 'refuses') return reply(failed('unavailable', 'scripted refusal'));
    if (this.state === 'silent') return void this.#waiting.push(reply);
    const isPing = answerPing(ask, (answer) => {
      this.pings++;
      this.answers++;
      reply(answer);
    });
    if (isPing) return;
    this.asks++;
    reply(done);
  }

  expire(): void {
    for (const reply of this.#waiting.splice(0)) reply(failed('unavailable', 'scripted silence'));
  }

  answersFrom(): number {
    return this.answers;
  }
}

describe('peer watch', () => {
  const me = memberOf('a', 0);
  const [sibling, near, far] = [memberOf('a', 1), memberOf('b', 0), memberOf('c', 0, 'machine-2')];
  let clock: HeldClock;
  let sockets: ScriptedWay;
  let broker: ScriptedWay;
  let watch: PeerWatch;
  let router: PeerRouter;
  let changes: number;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] });
    clock = new HeldClock();
    [sockets, broker] = [new ScriptedWay(), new ScriptedWay()];
    changes = 0;
    const log = silentLog;
    watch = new PeerWatch({ me, sockets, broker, clock, log, changed: () => changes++ });
    router = new PeerRouter(watch);
    watch.watch(new Map([me, sibling, near, far].map((member) => [member.workerId, member])));
  });
  afterEach(() => {
    watch.stop();
    mock.timers.reset();
  });

  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= PING_INTERVAL_MS) {
      clock.advance(Math.min(left, PING_INTERVAL_MS));
      mock.timers.tick(PING_INTERVAL_MS);
      broker.expire();
      sockets.expire();
    }
  };
  const ask = (worker: string): Promise<ShardAnswer> =>
    new Promise((resolve) =>
      router.ask(worker, { to: 'stk_a', commandId: '', until: 'durable', timeoutMs: 1 }, false, resolve),
    );

  it('pings newcomers at once; an ask goes the way that is meant for its worker', async () => {
    expect([sibling, near, far].map(({ workerId }) => watch.reaches(workerId))).to.deep.equal([true, true, true]);
    for (const { workerId } of [sibling, near, far]) expect(await ask(workerId)).to.equal(done);
    expect([sockets.asks, broker.asks], 'within a node sockets, between nodes the broker').to.deep.equal([1, 2]);
    expect(await ask('nobody')).to.include({ kind: 'elsewhere', applied: 'no' });
  });

  it('without the broker a node on this machine is reached by sockets, and one on another is out of reach', async () => {
    broker.state = 'refuses';
    pass(PING_INTERVAL_MS);
    expect(await ask('b-0'), 'at the first ping that fails').to.equal(done);
    expect([sockets.asks, watch.unreached]).to.deep.equal([1, []]);
    pass(UNREACHED_AFTER_MS);
    expect(watch.unreached).to.deep.equal(['c-0']);
    expect(watch.describe()).to.include('1 worker of node c on machine-2').and.include('scripted refusal');
    expect(await ask('c-0'), 'at once').to.include({ kind: 'failed', code: 'unavailable' });
    broker.state = 'open';
    pass(PING_INTERVAL_MS);
    await ask('b-0');
    expect(broker.asks, 'the broker again').to.equal(1);
  });

  for (const state of ['refuses', 'silent'] as const) {
    it(`a glitch is no loss; a way that ${state} for long is, and counts again only when it is steady`, () => {
      broker.state = state;
      pass(UNREACHED_AFTER_MS - PING_INTERVAL_MS);
      broker.state = 'open';
      pass(PING_INTERVAL_MS);
      expect(watch.unreached).to.deep.equal([]);
      broker.state = state;
      pass(2 * UNREACHED_AFTER_MS);
      expect(watch.unreached).to.deep.equal(['c-0']);
      broker.state = 'open';
      pass(STEADY_MS);
      expect(watch.unreached, 'not yet').to.deep.equal(['c-0']);
      pass(2 * PING_INTERVAL_MS);
      expect(watch.unreached).to.deep.equal([]);
    });
  }

  it('one that comes and goes must be steady for longer each time', () => {
    const steadyFor = (): number => {
      broker.state = 'refuses';
      pass(2 * UNREACHED_AFTER_MS);
      broker.state = 'open';
      let waited = 0;
      for (; watch.unreached.length > 0; waited += PING_INTERVAL_MS) pass(PING_INTERVAL_MS);
      return waited;
    };
    const [first, second, third] = [steadyFor(), steadyFor(), steadyFor()];
    expect(second).to.be.greaterThan(first * 1.5);
    expect(third).to.be.greaterThan(second * 1.5);
  });

  it('a peer that answers asks is there, whatever becomes of pings behind them', () => {
    broker.state = 'silent';
    for (let round = 0; round < 20; round++) {
      broker.answers++;
      pass(PING_INTERVAL_MS);
    }
    expect(watch.unreached).to.deep.equal([]);
  });

  it('a worker that stood still itself takes nobody’s silence for proof', () => {
    broker.state = 'silent';
    pass(PING_INTERVAL_MS);
    clock.advance(10 * UNREACHED_AFTER_MS);
    pass(PING_INTERVAL_MS);
    expect(watch.unreached).to.deep.equal([]);
  });

  it('hears the broker by its own messages, and after an outage later than peers count again', () => {
    expect(watch.hearsBroker).to.equal(false);
    pass(PING_INTERVAL_MS);
    expect(watch.hearsBroker).to.equal(true);
    broker.state = 'refuses';
    pass(2 * UNREACHED_AFTER_MS);
    expect([watch.hearsBroker, watch.unreached]).to.deep.equal([false, ['c-0']]);
    broker.state = 'open';
    while (watch.unreached.length > 0) {
      pass(PING_INTERVAL_MS);
      expect(watch.hearsBroker).to.equal(false);
    }
    pass(STEADY_MS + PING_INTERVAL_MS);
    expect(watch.hearsBroker).to.equal(true);
  });

  it('says that something changed, each time and only then', () => {
    pass(4 * PING_INTERVAL_MS);
    expect(changes, 'it hears the broker').to.equal(1);
    broker.state = 'refuses';
    pass(UNREACHED_AFTER_MS + PING_INTERVAL_MS);
    expect(changes).to.be.within(2, 3);
    const then = changes;
    pass(10 * PING_INTERVAL_MS);
    expect(changes).to.equal(then);
  });

  it('forgets who is no member any more', () => {
    broker.state = 'refuses';
    pass(2 * UNREACHED_AFTER_MS);
    watch.watch(new Map([me, sibling].map((member) => [member.workerId, member])));
    expect([watch.unreached, watch.routeTo('c-0')]).to.deep.equal([[], undefined]);
  });

  it('a worker of its own node whose socket is gone is out of reach, too', () => {
    sockets.state = 'refuses';
    pass(UNREACHED_AFTER_MS + PING_INTERVAL_MS);
    expect(watch.unreached, 'the other node is reached by the broker').to.deep.equal(['a-1']);
  });
});
