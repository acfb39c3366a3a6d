import { expect } from 'chai';
import { backoffMs } from './backoff.ts';

describe('backoff', () => {
  it('doubles from 50 ms up to 30 s, whatever the number of tries', () => {
    const longest = [0, 1, 2, 3, 9, 10, 50, 1e9].map((attempt) => backoffMs(attempt, () => 1));
    expect(longest).to.deep.equal([50, 100, 200, 400, 25_600, 30_000, 30_000, 30_000]);
  });

  it('spreads over the upper half, so that many who failed together don’t meet again', () => {
    expect(backoffMs(4, () => 0)).to.equal(400);
    expect(backoffMs(4, () => 0.5)).to.equal(600);
    const pauses = new Set(Array.from({ length: 100 }, () => backoffMs(4)));
    expect(pauses.size).to.be.greaterThan(90);
    for (const pause of pauses) expect(pause).to.be.within(400, 800);
  });
});
