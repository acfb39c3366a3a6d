/** Stopping in order, whatever hangs, and amid a start. */
import { expect } from 'chai';
import { keptLog } from '../test/support/silent-log.ts';
import { endsUnless, endsWithin, StopOrder, StopWanted, stopInOrder } from './stop-order.ts';

const monotonicMs = (): number => performance.now();
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
      { log, monotonicMs, deadline: Infinity },
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
      { log, monotonicMs, deadline: -Infinity },
    );
    expect([stopped, lines.map(({ part }) => part)]).to.deep.equal([['b'], ['a']]);
  });

  it('waits for what can end, and not for what is hopeless', async () => {
    const limits = { monotonicMs, deadline: Infinity };
    expect(await endsWithin(Promise.reject(new Error('an end, too')), 1_000)).to.equal(true);
    expect(await endsUnless(Promise.resolve(), () => false, limits)).to.equal(true);
    let asked = 0;
    expect(await endsUnless(hangs(), () => ++asked > 1, limits)).to.equal(false);
    expect(await endsUnless(hangs(), () => false, { monotonicMs, deadline: -Infinity })).to.equal(false);
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
      await order.stop({ log, monotonicMs, deadline: Infinity });
      expect(stopped).to.deep.equal(['database', 'lock']);
    });
  });
});
