import { expect } from 'chai';
import fc from 'fast-check';
import { BoundedCache } from './bounded-cache.ts';

describe('bounded cache', () => {
  it('never holds more than its capacity, and never answers with a wrong value', () => {
    const step = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat(12));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const cache = new BoundedCache<string>(6);
        const truth = new Map<string, string>();
        for (const [action, n] of steps) {
          const key = `k${n}`;
          if (action === 'set') {
            cache.set(key, `${key}@${truth.size}`);
            truth.set(key, `${key}@${truth.size}`);
          } else if (action === 'delete') {
            cache.delete(key);
            truth.delete(key);
          } else {
            const found = cache.get(key);
            if (found !== undefined) expect(found.split('@')[0]).to.equal(key);
            if (!truth.has(key)) expect(found).to.equal(undefined);
          }
          expect(cache.size).to.be.at.most(6);
        }
      }),
    );
  });

  it('keeps what is used and forgets what is not', () => {
    const cache = new BoundedCache<number>(4);
    cache.set('used', 1);
    cache.set('unused', 2);
    for (let n = 0; n < 20; n++) {
      cache.set(`other${n}`, n);
      expect(cache.get('used')).to.equal(1);
    }
    expect(cache.get('unused')).to.equal(undefined);
  });
});
