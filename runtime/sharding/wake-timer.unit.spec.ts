import { expect } from 'chai';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { WakeTimer } from './wake-timer.ts';

describe('wake timer', () => {
  let clock: HeldClock;
  let timer: WakeTimer;
  let woken: string[];

  beforeEach(() => {
    clock = new HeldClock();
    woken = [];
    timer = new WakeTimer(clock, (entityId) => woken.push(entityId));
  });
  afterEach(() => timer.stop());

  const pass = (ms: number): void => {
    clock.advance(ms);
    timer.tick();
  };
  const later = (ms: number): number => clock.nowMs() + ms;

  it('wakes once, and not before the time', () => {
    timer.set('a', later(10_500));
    for (let waited = 0; waited < 10_400; waited += 100) pass(100);
    expect(woken).to.deep.equal([]);
    pass(2_000);
    expect(woken).to.deep.equal(['a']);
    for (let waited = 0; waited < 60; waited++) pass(1_000);
    expect(woken).to.deep.equal(['a']);
    expect(timer.waiting).to.equal(0);
  });

  it('is never early, and late by two seconds at most, at any time within a second', () => {
    const wakeAt = new Map<string, number>();
    for (let n = 0; n < 200; n++) wakeAt.set(`e${n}`, later(n * 37));
    for (const [entityId, at] of wakeAt) timer.set(entityId, at);
    const seen = new Set<string>();
    for (let waited = 0; waited < 12_000; waited += 50) {
      pass(50);
      for (const entityId of woken.splice(0)) {
        seen.add(entityId);
        const lateness = clock.nowMs() - wakeAt.get(entityId)!;
        expect(lateness, entityId).to.be.within(0, 2_000);
      }
    }
    expect(seen.size).to.equal(200);
  });

  it('wakes who is overdue when it is set, as after a take-over', () => {
    timer.set('a', later(-3_600_000));
    pass(2_000);
    expect(woken).to.deep.equal(['a']);
  });

  it('keeps the last time that was set: later, or earlier', () => {
    timer.set('postponed', later(2_000));
    timer.set('postponed', later(30_000));
    timer.set('hurried', later(30_000));
    timer.set('hurried', later(2_000));
    pass(10_000);
    expect(woken).to.deep.equal(['hurried']);
    pass(30_000);
    expect(woken).to.deep.equal(['hurried', 'postponed']);
  });

  it('wakes no entity that was cleared, unless it was set again', () => {
    timer.set('a', later(2_000));
    timer.set('b', later(2_000));
    timer.clear('a');
    timer.clear('b');
    timer.clear('nobody');
    timer.set('b', later(3_000));
    pass(10_000);
    expect(woken).to.deep.equal(['b']);
  });

  it('lets an entity that is woken be set again in the same breath', () => {
    timer.stop();
    let times = 0;
    timer = new WakeTimer(clock, (entityId) => {
      woken.push(entityId);
      if (++times < 3) timer.set(entityId, clock.nowMs());
    });
    timer.set('a', later(0));
    for (let waited = 0; waited < 10; waited++) pass(1_000);
    expect(woken).to.deep.equal(['a', 'a', 'a']);
  });

  it('wakes a crowd in portions that grow, everybody once; the next crowd begins with small ones', () => {
    const portionsOf = (crowd: number): number[] => {
      for (let n = 0; n < crowd; n++) timer.set(`e${n}`, later((n * 17) % 3_000));
      clock.advance(10_000);
      const portions: number[] = [];
      while (timer.waiting > 0) {
        timer.tick();
        portions.push(woken.splice(0).length);
        expect(portions.length).to.be.lessThan(1_000);
      }
      return portions;
    };
    const portions = portionsOf(3_000);
    expect(portions[0]).to.equal(1);
    expect(Math.max(...portions)).to.equal(14);
    expect(portions.slice(0, -1), 'never smaller than before').to.deep.equal(
      portions.slice(0, -1).sort((one, other) => one - other),
    );
    expect(portions.reduce((sum, portion) => sum + portion)).to.equal(3_000);
    expect(portions.length).to.be.within(300, 600);
    expect(portionsOf(20).slice(0, 20)).to.deep.equal(Array.from({ length: 20 }, () => 1));
  });

  it('survives a wall clock that jumps forward, and wakes who became due by it', () => {
    timer.set('a', later(3_600_000));
    clock.jump(7_200_000);
    timer.tick();
    expect(woken).to.deep.equal(['a']);
  });

  it('wakes by the wall clock also after that was set back', () => {
    pass(5_000);
    clock.jump(-3_600_000);
    timer.tick();
    timer.set('a', later(5_000));
    pass(4_000);
    expect(woken).to.deep.equal([]);
    pass(3_000);
    expect(woken).to.deep.equal(['a']);
  });
});
