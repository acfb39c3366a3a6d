/** Finding those that fail again and again among many that succeed. */
import { expect } from 'chai';
import { HeldClock } from '../test/support/manual-clock.ts';
import { keptLog } from '../test/support/silent-log.ts';
import { StuckAmongMany } from './stuck-among-many.ts';

describe('the stuck among many', () => {
  const begin = () => {
    const clock = new HeldClock();
    const { log, lines } = keptLog();
    const stuck = new StuckAmongMany<string>({
      ...{ what: 'a step fails', remedy: 'Do this.', log, clock },
    });
    const failFor = (seconds: number, ...keys: string[]): void => {
      for (let second = 0; second < seconds; second++) {
        for (const key of keys) stuck.failed(key, 'no answer', { entityId: key });
        clock.advance(1_000);
      }
    };
    return { stuck, failFor, clock, lines };
  };

  it('one is found while others succeed after a failure or two', () => {
    const { stuck, clock, lines } = begin();
    for (let second = 0; second < 20; second++) {
      const other = `order ${second}`;
      stuck.failed(other, 'busy');
      stuck.failed('the stuck one', 'no answer', { entityId: 'the stuck one' });
      stuck.over(other);
      clock.advance(1_000);
    }
    expect(stuck.failure.what).to.equal('a step fails');
    expect(stuck.failure.text).to.include('no answer (the stuck one)').and.include('Do this.');
    expect(lines[0]).to.include({ level: 50, entityId: 'the stuck one', stuck: 1 });
  });

  it('nothing is said of many that each fail a few times', () => {
    const { stuck, failFor, lines } = begin();
    for (let n = 0; n < 100; n++) {
      failFor(4, `order ${n}`);
      stuck.over(`order ${n}`);
    }
    expect([stuck.failure.what, lines.length]).to.deep.equal([undefined, 0]);
  });

  it('is over when the last of them is: answered, given up, or gone with its shard', () => {
    const { stuck, failFor, lines } = begin();
    failFor(15, 'a', 'b', 'c');
    stuck.over('a');
    stuck.over('a');
    stuck.over('unknown');
    stuck.overWhere((key) => key === 'b');
    expect(stuck.failure.what).to.equal('a step fails');
    stuck.overWhere(() => true);
    expect([stuck.failure.what, stuck.isEmpty]).to.deep.equal([undefined, true]);
    expect(lines.at(-1)).to.include({ level: 30, msg: 'over: a step fails' });
    failFor(4, 'a');
    expect(stuck.failure.what, 'it begins anew').to.equal(undefined);
  });
});
