import { expect } from 'chai';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { Progress, progressLine } from './progress.ts';

describe('progress', () => {
  it('tells what is done, how fast, and how long it still takes', () => {
    const line = progressLine({
      label: 'sending',
      unit: 'orders',
      done: 3_000,
      total: 12_000,
      rate: 450,
      note: 'retried 2',
    });
    expect(line).to.equal('sending [######------------------] 3,000/12,000 orders, 450/s, 0:20 left, retried 2');
  });
  it('does not guess while nothing moves, and tells no time at the end', () => {
    expect(progressLine({ label: 'a', unit: 'b', done: 0, total: 9, rate: 0, note: '' })).to.include(
      'time left unknown',
    );
    expect(progressLine({ label: 'a', unit: 'b', done: 9, total: 9, rate: 3, note: '' })).to.match(/9\/9 b, 3\/s$/);
    expect(progressLine({ label: 'a', unit: 'b', done: 0, total: 0, rate: 0, note: '' })).to.include(
      '[########################]',
    );
  });

  function run(isTTY: boolean): string {
    let text = '';
    const clock = new HeldClock();
    const progress = new Progress({ isTTY, columns: 80, write: (part) => (text += part) }, clock);
    progress.begin('sending', 'orders', 10);
    for (let done = 1; done <= 10; done++) {
      clock.advance(200);
      progress.update(done);
    }
    progress.end();
    return text;
  }

  it('draws one line again on a terminal', () => {
    const text = run(true);
    expect(text.split('\n')).to.have.length(2);
    expect(text.split('\r').length).to.be.greaterThan(5);
  });
  it('writes whole lines elsewhere, and only now and then', () => {
    const text = run(false);
    expect(text).not.to.include('\r');
    expect(text.split('\n')).to.have.length(2);
    expect(text).to.include('10/10 orders, 5/s');
  });
});
