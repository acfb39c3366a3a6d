import { expect } from 'chai';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { turns } from '../../test/support/wait-until.ts';
import type { Answer } from '../ask.ts';
import { Parked, type Routed } from './parked.ts';

const PARKED_MAX = 20_000;
const TOO_LATE: Answer = { kind: 'failed', code: 'unavailable', detail: 'too late' };

describe('parked asks', () => {
  let clock: ManualClock;
  let dispatched: string[];
  let answered: string[];
  let onDispatch: (routed: Routed) => void;
  let parked: Parked;

  beforeEach(() => {
    clock = new ManualClock();
    dispatched = [];
    answered = [];
    onDispatch = () => undefined;
    parked = new Parked(clock, (routed) => {
      dispatched.push(routed.ask.to);
      onDispatch(routed);
    });
  });
  afterEach(() => parked.stop());

  const routed = (to: string, changes: Partial<Routed> = {}): Routed => ({
    ask: { to, commandId: '', until: 'durable', timeoutMs: 1 },
    internal: false,
    fresh: false,
    reply: (answer) => answered.push(`${to}: ${answer.kind === 'failed' ? answer.detail : answer.kind}`),
    deadlineMs: 2_000,
    applied: 'no',
    ...changes,
  });

  it('are dispatched again when owners change, in the order they came, once for many changes', async () => {
    for (const to of ['a', 'b', 'c']) expect(parked.add(routed(to), TOO_LATE)).to.equal(true);
    for (let change = 0; change < 5; change++) parked.retry();
    expect(dispatched, 'never within the caller').to.deep.equal([]);
    await turns(3);
    expect(dispatched).to.deep.equal(['a', 'b', 'c']);
    expect([parked.size, answered]).to.deep.equal([0, []]);
  });

  it('are dispatched again at intervals, also without news of changed owners', () => {
    let tries = 0;
    onDispatch = (each) => {
      if (++tries < 3) parked.add(each, TOO_LATE);
    };
    parked.add(routed('a'), TOO_LATE);
    clock.advance(140);
    expect(tries).to.equal(2);
    clock.advance(10);
    expect(tries).to.equal(3);
    expect([parked.size, answered]).to.deep.equal([0, []]);
  });

  it('that are parked again meanwhile wait for the next time: one retry is one try', async () => {
    onDispatch = (each) => void parked.add(each, TOO_LATE);
    parked.add(routed('a'), TOO_LATE);
    parked.retry();
    await turns(5);
    expect(dispatched).to.deep.equal(['a']);
    expect(parked.size).to.equal(1);
  });

  it('whose time runs out are answered so, and are not sent any more', () => {
    parked.add(routed('late', { deadlineMs: 50 }), TOO_LATE);
    parked.add(routed('patient', { deadlineMs: 51 }), TOO_LATE);
    clock.advance(50);
    expect(dispatched).to.deep.equal(['patient']);
    expect(answered).to.deep.equal(['late: too late']);
  });

  it('are bounded; the steps of orders under way are taken beyond it', () => {
    for (let n = 0; n < PARKED_MAX; n++) parked.add(routed('many'), TOO_LATE);
    expect(parked.add(routed('one more'), TOO_LATE)).to.equal(false);
    expect(parked.add(routed('step', { internal: true }), TOO_LATE)).to.equal(true);
    expect(parked.size).to.equal(PARKED_MAX + 1);
    expect(answered, 'the caller answers what was refused').to.deep.equal([]);
  });

  it('are all answered when the region stops', () => {
    for (const to of ['a', 'b']) parked.add(routed(to), TOO_LATE);
    parked.stop();
    expect(answered).to.deep.equal(['a: too late', 'b: too late']);
    expect([parked.size, dispatched]).to.deep.equal([0, []]);
  });
});
