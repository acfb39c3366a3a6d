import { expect } from 'chai';
import fc from 'fast-check';
import { compareBytes } from './compare-bytes.ts';

describe('order of texts by their bytes', () => {
  it('is the order of their UTF-8', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
  it('ranks a character beyond U+FFFF behind every other, where UTF-16 does not', () => {
    expect('\u{1f4a1}' < '\uff21').to.equal(true);
    expect(compareBytes('\u{1f4a1}', '\uff21')).to.be.greaterThan(0);
  });
});
