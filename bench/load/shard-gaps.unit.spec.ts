import { expect } from 'chai';
import { shardGaps } from './shard-gaps.ts';

const every = (stepMs: number, fromMs: number, untilMs: number): number[] => {
  const times = [];
  for (let atMs = fromMs; atMs <= untilMs; atMs += stepMs) times.push(atMs);
  return times;
};
const failures = new Map([['503', 2]]);

describe('the gaps of shards', () => {
  it('are the longest of each shard after each disturbance, beside those of a quiet time', () => {
    const unhurt = every(20, 0, 10_000);
    const hurtTwice = [...every(20, 0, 4_000), ...every(20, 4_400, 6_000), ...every(20, 6_900, 10_000)];
    expect(shardGaps({ answeredAtMs: [unhurt, hurtTwice], failures }, [4_010, 6_010])).to.deep.equal({
      shards: 2,
      answered: unhurt.length + hurtTwice.length,
      failures: [{ message: '503', count: 2 }],
      quiet: { p50Ms: 20, p95Ms: 20, p99Ms: 20, maxMs: 20 },
      disturbed: { p50Ms: 20, p95Ms: 900, p99Ms: 900, maxMs: 900 },
      disturbances: 2,
    });
  });

  it('count one that began before a disturbance, and whatever comes of it in the time of the next', () => {
    const slow = [0, 20, 3_000, 3_020];
    const { disturbed, quiet } = shardGaps({ answeredAtMs: [slow], failures }, [1_000, 2_000]);
    expect([quiet.maxMs, disturbed.p50Ms, disturbed.maxMs]).to.deep.equal([20, 2_980, 2_980]);
  });

  it('count one that nothing ends', () => {
    const served = every(20, 0, 5_000);
    const { disturbed } = shardGaps({ answeredAtMs: [served, every(20, 0, 2_000)], failures }, [2_000]);
    expect(disturbed.maxMs).to.equal(3_000);
  });

  it('can’t be told of a shard that never answered', () => {
    expect(() => shardGaps({ answeredAtMs: [[1, 2], []], failures }, [1])).to.throw('a shard never answered');
  });
});
