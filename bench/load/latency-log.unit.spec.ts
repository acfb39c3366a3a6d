import { expect } from 'chai';
import { LatencyLog } from './latency-log.ts';

describe('LatencyLog', () => {
  it('keeps every latency as whole microseconds, however many there are', () => {
    const log = new LatencyLog();
    for (let latencyMs = 0; latencyMs < 200_000; latencyMs++) log.add(latencyMs);
    const kept = log.toArray();
    expect(kept).to.have.length(200_000);
    expect([kept[1], kept[199_999]]).to.deep.equal([1000, 199_999_000]);
  });

  it('takes a latency beyond its range for the longest that it can hold', () => {
    const log = new LatencyLog();
    log.add(1e9);
    expect(log.toArray()[0]).to.equal(2 ** 32 - 1);
  });
});
