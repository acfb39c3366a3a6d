import { expect } from 'chai';
import fc from 'fast-check';
import { InvariantViolation } from '../../../kernel/invariant.ts';
import { orderNumberOf } from './order-number.ts';

describe('order number', () => {
  const place = fc.record({ shard: fc.nat(127), seq: fc.integer({ min: 1, max: 2 ** 45 }) });

  it('differs for different places in the log', () => {
    fc.assert(
      fc.property(place, place, (left, right) => {
        const same = left.shard === right.shard && left.seq === right.seq;
        expect(orderNumberOf(left, 128) === orderNumberOf(right, 128)).to.equal(same);
      }),
    );
    const near = new Set<string>();
    for (let shard = 0; shard < 128; shard++)
      for (let seq = 1; seq <= 100; seq++) near.add(orderNumberOf({ shard, seq }, 128));
    expect(near.size).to.equal(12_800);
  });

  it('is speakable: groups of four, without the letters I, L, O and U', () => {
    fc.assert(
      fc.property(place, (origin) => {
        expect(orderNumberOf(origin, 128)).to.match(/^HF(-[0-9A-HJKMNP-TV-Z]{1,4})+$/);
      }),
    );
    expect(orderNumberOf({ shard: 5, seq: 1 }, 128)).to.equal('HF-0000-045');
    expect(orderNumberOf({ shard: 0, seq: 268_435_455 }, 128)).to.equal('HF-ZZZZ-ZW0');
  });

  it('refuses a place that can not exist', () => {
    for (const origin of [
      { shard: 128, seq: 1 },
      { shard: 0, seq: 0 },
      { shard: 0, seq: Number.MAX_SAFE_INTEGER },
    ]) {
      expect(() => orderNumberOf(origin, 128)).to.throw(InvariantViolation);
    }
  });
});
