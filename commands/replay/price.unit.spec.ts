import { expect } from 'chai';
import fc from 'fast-check';
import { parsePrice } from './price.ts';

describe('price', () => {
  const cases: readonly (readonly [text: string, pence: number, sign: number])[] = [
    ['2.55', 255, 1],
    ['0', 0, 0],
    ['0.000', 0, 0],
    ['7', 700, 1],
    ['7.5', 750, 1],
    ['1.005', 101, 1],
    ['1.0049999', 100, 1],
    ['0.005', 1, 1],
    ['0.001', 0, 1],
    ['0.295', 30, 1],
    ['8142.75', 814275, 1],
    ['9999999999.999', 1000000000000, 1],
    ['-11062.06', -1106206, -1],
  ];
  for (const [text, pence, sign] of cases) {
    it(`takes ${text} for ${pence} pence, exactly`, () => {
      expect(parsePrice(text)).to.deep.equal({ pence, sign });
    });
  }

  for (const text of ['', ' ', '1,50', '1.', '.5', '1e3', 'NaN', '£1.50', '12345678901', '1.2.3', '+1']) {
    it(`refuses "${text}"`, () => {
      expect(parsePrice(text)).to.equal(undefined);
    });
  }

  it('rounds every three-decimal price half up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (mills) => {
        const text = `${Math.floor(mills / 1000)}.${String(mills % 1000).padStart(3, '0')}`;
        expect(parsePrice(text)?.pence).to.equal(Math.floor((mills + 5) / 10));
      }),
    );
  });
});
