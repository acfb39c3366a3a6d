/** Stopping in order, whatever hangs, and amid a start. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { keptLog } from '../test/support/silent-log.ts';
import { endsUnless, endsWithin, StopOrder, stopOrEnd, StopWanted, stopInOrder } from './stop-order.ts';
import { systemClock } from './clock.ts';

const clock = systemClock;
const hangs = (): Promise<never> => new Promise(() => undefined);

describe('stopping', () => {
  it('goes on behind a part that hangs, and behind one that fails, and names both', async () => {
    const { log, lines } = keptLog();
    const stopped: string[] = [];
    await stopInOrder(
      [
        { name: 'hanging', stop: hangs, msMax: 20 },
        { name: 'failing', stop: () => Promise.reject(new Error('broken')) },
        {
          name: 'throwing',
          stop: () => {
            throw new Error('broken');
          },
        },
        { name: 'good', stop: () => stopped.push('good') },
      ],
      { log, clock, deadline: Infinity },
    );
    expect(stopped).to.deep.equal(['good']);
    expect(lines.map(({ part }) => part)).to.deep.equal(['hanging', 'failing', 'throwing']);
  });

  it('gives each part a moment even when the time is up', async () => {
    const { log, lines } = keptLog();
    const stopped: string[] = [];
    const soon = (name: string) => async (): Promise<void> => {
      await new Promise(setImmediate);
      stopped.push(name);
    };
    await stopInOrder(
      [
        { name: 'a', stop: hangs },
        { name: 'b', stop: soon('b') },
      ],
      { log, clock, deadline: -Infinity },
    );
    expect([stopped, lines.map(({ part }) => part)]).to.deep.equal([['b'], ['a']]);
  });

  it('waits for what can end, and not for what is hopeless', async () => {
    const limits = { clock, deadline: Infinity };
    expect(await endsWithin(Promise.reject(new Error('an end, too')), 1_000, clock)).to.equal(true);
    expect(await endsUnless(Promise.resolve(), () => false, limits)).to.equal(true);
    let asked = 0;
    expect(await endsUnless(hangs(), () => ++asked > 1, limits)).to.equal(false);
    expect(await endsUnless(hangs(), () => false, { clock, deadline: -Infinity })).to.equal(false);
  });

  describe('by a hard end', () => {
    beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
    afterEach(() => mock.timers.reset());

    for (const [what, stop] of Object.entries({
      'never ends': hangs,
      'has ended, while something still keeps the process': () => Promise.resolve(),
    })) {
      it(`ends the process, not before its time, where the stop ${what}`, () => {
        const { log, lines } = keptLog();
        let ends = 0;
        void stopOrEnd(stop, { timeoutMs: 30_000, clock, log, end: () => ends++ });
        mock.timers.tick(29_999);
        expect([ends, lines.length]).to.deep.equal([0, 0]);
        mock.timers.tick(1);
        expect([ends, lines.map(({ timeoutMs }) => timeoutMs)]).to.deep.equal([1, [30_000]]);
      });
    }
  });

  describe('amid a start', () => {
    it('ends a wait that leaves nothing behind at once', async () => {
      const order = new StopOrder();
      const start = order.unlessWanted(hangs()).catch((error: unknown) => error);
      order.want();
      expect(await start).to.be.instanceOf(StopWanted);
    });

    it('ends the start behind the part that was being started, and stops that part first', async () => {
      const { log } = keptLog();
      const order = new StopOrder();
      const stopped: string[] = [];
      const part = (name: string) => ({ name, stop: () => stopped.push(name) });
      order.add(part('lock'));
      order.want();
      expect(() => order.add(part('database'))).to.throw(StopWanted);
      await order.stop({ log, clock, deadline: Infinity });
      expect(stopped).to.deep.equal(['database', 'lock']);
    });
  });
});
