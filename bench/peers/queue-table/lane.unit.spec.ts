import { expect } from 'chai';
import { turns } from '../../../test/support/wait-until.ts';
import { Lane } from './lane.ts';

describe('Lane', () => {
  /** What the next batches come to; each is waited for. */
  let batches: ((end: 'drained' | 'more') => void)[];
  let lane: Lane;

  beforeEach(() => {
    batches = [];
    lane = new Lane(() => new Promise((resolve) => batches.push(resolve)));
    void lane.run();
  });

  async function end(batch: number, as: 'drained' | 'more'): Promise<number> {
    batches[batch]!(as);
    await turns();
    return batches.length;
  }

  it('begins awake, for what was left to it', () => {
    expect(batches).to.have.length(1);
  });

  it('goes on as long as there is more, and sleeps once it is drained', async () => {
    expect(await end(0, 'more')).to.equal(2);
    expect(await end(1, 'drained')).to.equal(2);
  });

  it('works again after each wake, asleep or at work, never twice at a time', async () => {
    lane.wake();
    lane.wake();
    await turns();
    expect(batches).to.have.length(1);
    expect(await end(0, 'drained')).to.equal(2);
    expect(await end(1, 'drained')).to.equal(2);
    lane.wake();
    await turns();
    expect(batches).to.have.length(3);
  });

  it('fails with its work', async () => {
    const failing = new Lane(() => Promise.reject(new Error('connection lost')));
    const failure = await failing.run().catch((error: unknown) => error);
    expect(String(failure)).to.contain('connection lost');
  });
});
