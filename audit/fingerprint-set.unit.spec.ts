import { expect } from 'chai';
import fc from 'fast-check';
import { FingerprintSet, hashes } from './fingerprint-set.ts';

describe('set of fingerprints', () => {
  it('knows what was added and nothing else, through every growth', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 500 }), (texts) => {
        const set = new FingerprintSet();
        const half = texts.length >> 1;
        for (const text of texts.slice(0, half)) expect(set.add(text)).to.equal(true);
        for (const text of texts.slice(0, half)) expect(set.add(text)).to.equal(false);
        expect(set.size).to.equal(half);
        texts.forEach((text, index) => expect(set.has(text)).to.equal(index < half));
      }),
    );
  });
  it('is empty after it was cleared', () => {
    const set = new FingerprintSet();
    for (let n = 0; n < 1_000; n++) set.add(`command-${n}`);
    set.clear();
    expect(set.size).to.equal(0);
    expect(set.has('command-1')).to.equal(false);
    expect(set.add('command-1')).to.equal(true);
  });
  it('tells ids apart that differ in one character', () => {
    const seen = new Set<string>();
    for (let n = 0; n < 100_000; n++)
      seen.add(hashes(`res_0190a0b0-0000-7000-8000-${String(n).padStart(12, '0')}/hold`).join());
    expect(seen.size).to.equal(100_000);
  });
});
