import { expect } from 'chai';
import { described, firstDifference } from './first-difference.ts';

describe('first difference', () => {
  it('is none between equal data, however it is built', () => {
    expect(firstDifference({ a: [1, { b: 'x' }], c: undefined }, { a: [1, { b: 'x' }] })).to.equal(undefined);
    expect(
      firstDifference(
        new Map([
          ['a', { n: 1 }],
          ['b', { n: 2 }],
        ]),
        new Map([
          ['b', { n: 2 }],
          ['a', { n: 1 }],
        ]),
      ),
    ).to.equal(undefined);
  });

  const cases: readonly (readonly [what: string, expected: unknown, found: unknown, path: string])[] = [
    ['a value', { a: { b: [1, 2] } }, { a: { b: [1, 3] } }, 'a.b[1]'],
    ['a type', { a: 1 }, { a: '1' }, 'a'],
    ['something missing', { a: 1, b: 2 }, { a: 1 }, 'b'],
    ['something surplus', [1], [1, 2], '[1]'],
    ['a value in a map', new Map([['k', { n: 1 }]]), new Map([['k', { n: 2 }]]), '[k].n'],
    ['a surplus entry of a map', new Map(), new Map([['k', 1]]), '[k]'],
    ['null and nothing', { a: null }, {}, 'a'],
    ['an object and a list', { a: {} }, { a: [] }, 'a'],
  ];
  for (const [what, expected, found, path] of cases) {
    it(`finds ${what}`, () => {
      expect(firstDifference(expected, found)?.path).to.equal(path);
    });
  }

  it('names what is personal without showing it', () => {
    const difference = firstDifference(
      { terms: { shippingAddress: { street: 'Mine' } } },
      { terms: { shippingAddress: { street: 'Yours' } } },
    )!;
    expect(described(difference)).to.deep.equal({
      expected: 'terms.shippingAddress.street as recorded',
      found: 'another terms.shippingAddress.street',
    });
    expect(JSON.stringify(described({ path: 'terms', expected: { street: 'Mine' }, found: undefined }))).not.to.include(
      'Mine',
    );
  });
});
