/** What a log hears of something that fails again and again. */
import { expect } from 'chai';
import { keptLog } from '../test/support/silent-log.ts';
import { LastingFailure } from './lasting-failure.ts';

const WHAT = "the views can't be written";

describe('a lasting failure', () => {
  let nowMs: number;
  const over = (options: { atOnce?: boolean } = {}) => {
    nowMs = 0;
    const { log, lines } = keptLog();
    const failure = new LastingFailure({ what: WHAT, remedy: 'Do this.', log, monotonicMs: () => nowMs, ...options });
    const failFor = (ms: number, everyMs: number): void => {
      for (const end = nowMs + ms; nowMs < end; nowMs += everyMs) failure.failed('refused', { rows: 3 });
    };
    const said = () => lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`);
    return { failure, failFor, said, lines };
  };

  it('is one warning at first, one error when it lasts, and then seldom another', () => {
    const { failure, failFor, said, lines } = over();
    failFor(9_000, 500);
    expect(said()).to.deep.equal([`40 ${WHAT}; trying again`]);
    expect(failure.text).to.equal(undefined);
    failFor(2_000, 500);
    expect(said().slice(1)).to.deep.equal([`50 ${WHAT}, again and again. Do this.`]);
    expect(lines[1]).to.include({ reason: 'refused', rows: 3, seconds: 10 });
    expect(failure.text).to.include(WHAT).and.include('refused').and.include('Do this.');
    failFor(3_600_000, 500);
    expect(said().length, 'after 1, 2, 4, 8, 16 and 32 minutes more').to.be.within(6, 8);
  });

  it('does not last by time alone, nor by tries alone', () => {
    const { failFor, said } = over();
    failFor(60_000, 20_000);
    expect(said()).to.have.length(1);
    const fast = over();
    fast.failFor(2_000, 10);
    expect(fast.said()).to.have.length(1);
  });

  it('is over with a success: told where it had lasted, and the next one begins anew', () => {
    const { failure, failFor, said } = over();
    failure.succeeded();
    failFor(1_000, 500);
    failure.succeeded();
    expect(said()).to.have.length(1);
    failFor(20_000, 500);
    failure.succeeded();
    expect(said().at(-1)).to.equal(`30 over: ${WHAT}`);
    expect(failure.text).to.equal(undefined);
    failFor(500, 500);
    expect(said().at(-1)).to.equal(`40 ${WHAT}; trying again`);
  });

  it('is another one when nothing was heard for long', () => {
    const { failure, failFor, said } = over();
    failFor(20_000, 500);
    nowMs += 3_600_000;
    failure.failed('refused');
    expect(said().at(-1)).to.equal(`40 ${WHAT}; trying again`);
  });

  it('is said at once where each call stands for many tries', () => {
    const { failFor, said } = over({ atOnce: true });
    failFor(10_000, 100);
    expect(said()).to.deep.equal([`50 ${WHAT}, again and again. Do this.`]);
  });
});
