/** What a log hears of something that fails again and again. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { HeldClock } from '../test/support/manual-clock.ts';
import { keptLog } from '../test/support/silent-log.ts';
import { LastingFailure } from './lasting-failure.ts';
import { createLogger } from './logger.ts';

const WHAT = "the views can't be written";

describe('a lasting failure', () => {
  let nowMs: number;
  const over = (options: { atOnce?: boolean } = {}) => {
    nowMs = 0;
    const { log, lines } = keptLog();
    const failure = new LastingFailure({
      what: WHAT,
      remedy: 'Do this.',
      log,
      clock: { monotonicMs: () => nowMs },
      ...options,
    });
    const failFor = (ms: number, everyMs: number): void => {
      for (const end = nowMs + ms; nowMs < end; nowMs += everyMs) failure.failed('refused', { rows: 3 });
    };
    const said = () => lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`);
    return { failure, failFor, said, lines };
  };

  it('is one warning at first, one error when it lasts, and then a count', () => {
    const { failure, failFor, said, lines } = over();
    failFor(9_000, 500);
    expect(said()).to.deep.equal([`40 ${WHAT}; trying again`]);
    expect(failure.text).to.equal(undefined);
    failFor(2_000, 500);
    expect(new Set(said().slice(1))).to.deep.equal(new Set([`50 ${WHAT}, again and again. Do this.`]));
    expect(lines[1]).to.include({ reason: 'refused', rows: 3, lastsSeconds: 10 });
    expect(failure.text).to.include(WHAT).and.include('refused').and.include('Do this.');
  });

  it('leaves a few lines an outage in the log of a node', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const clock = new HeldClock();
      const written: string[] = [];
      const destination = { write: (line: string) => void written.push(line) };
      const log = createLogger({ level: 'info', base: {}, destination, clock });
      const failure = new LastingFailure({
        what: WHAT,
        remedy: 'Do this.',
        log,
        clock,
      });
      for (let second = 0; second < 120; second++) {
        for (let tries = 0; tries < 100; tries++) failure.failed(`refused after ${tries} ms`);
        clock.advance(1_000);
        mock.timers.tick(1_000);
      }
      const said = written.map((line) => (JSON.parse(line) as { msg: string }).msg);
      expect(said[0]).to.equal(`${WHAT}; trying again`);
      expect(said[1]).to.equal(`${WHAT}, again and again. Do this.`);
      expect(said.length, 'and a count after 10 s and each minute').to.be.within(3, 5);
    } finally {
      mock.timers.reset();
    }
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
    expect(failure.text).to.include('refused');
    nowMs += 3_600_000;
    expect(failure.text).to.equal(undefined);
    failure.failed('refused');
    expect(said().at(-1)).to.equal(`40 ${WHAT}; trying again`);
  });

  it('is said at once where each call stands for many tries', () => {
    const { failFor, said } = over({ atOnce: true });
    failFor(100, 100);
    expect(said()).to.deep.equal([`50 ${WHAT}, again and again. Do this.`]);
  });
});
