import { expect } from 'chai';
import { holdsCardNumber } from '../kernel/card-numbers.ts';
import { GROWTH_OF_LINEAR_MAX, growthOf } from '../test/support/growth.ts';
import { Problem } from './problems.ts';
import { screenTexts } from './text-screen.ts';

function codeOf(value: unknown): string | undefined {
  try {
    screenTexts(value, JSON.stringify(value));
    return undefined;
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(Problem);
    return (thrown as Problem).code;
  }
}

/** Units of a hostile text, each repeated: what makes a search go back, look ahead, or begin anew. */
const UNITS = [
  '0 ',
  '0',
  '7 ',
  '4 . ',
  '1111111111111 ',
  '111111111111a',
  '4111 1111 1111 111 ',
  '41111111-1111-',
  ' ',
  '-',
  'é1',
  '4\u200b',
  '٤ ',
  '１',
  '⑯ ',
  'ﷺ1',
  '4\ufe0f\u20e3',
  '漢',
];

describe('the screening of texts', () => {
  it('finds a card number in any text and any name, as text or as a number, but in article numbers', () => {
    for (const value of [
      { a: '4111111111111111' },
      { a: [{ b: 'pay with 4111 - 1111 - 1111 - 1111' }] },
      { '4111111111111111': 1 },
      { a: 4111111111111111 },
      { a: -4111111111111111 },
      { a: '４１１１１１１１１１１１１１１１' },
      ['4111\t1111\t1111\t1111'],
      { productId: { a: '4111111111111111' } },
    ]) {
      expect(codeOf(value), JSON.stringify(value)).to.equal('card_data_refused');
    }
    expect(codeOf({ productId: '4111111111111111', amount: 1e12, lines: [{ productId: '4222222222222' }] })).to.equal(
      undefined,
    );
  });

  it('refuses a text that is longer than any field takes without looking through it', () => {
    expect(codeOf({ a: '0 '.repeat(520_000) })).to.equal('validation_failed');
    expect(codeOf({ ['0 '.repeat(520_000)]: 1 })).to.equal('validation_failed');
    expect(codeOf({ a: 'ﷺ1'.repeat(150_000) })).to.equal('validation_failed');
  });

  for (const unit of UNITS) {
    it(`costs no more a character when there are more: ${JSON.stringify(unit)}`, () => {
      const growth = growthOf((size) => holdsCardNumber(unit.repeat(size)), 4_000);
      expect(growth).to.be.below(GROWTH_OF_LINEAR_MAX);
    });

    it(`costs no more a text when there are more: ${JSON.stringify(unit)}`, () => {
      const text = `x${unit.repeat(400 / unit.length)}`.slice(0, 390);
      const growth = growthOf((size) => codeOf(Array.from({ length: size }, () => text)), 50);
      expect(growth).to.be.below(GROWTH_OF_LINEAR_MAX);
    });
  }

  it('costs no more a level when there are more', () => {
    const nested = (depth: number): unknown => {
      let value: unknown = '4111111111111111';
      for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { 'a/b~c': value };
      return value;
    };
    const growth = growthOf((size) => {
      try {
        screenTexts(nested(size), '\\');
      } catch (thrown) {
        // What is told stays short, however deep the place.
        expect((thrown as Problem).message.length).to.be.below(1_000);
      }
    }, 5_000);
    expect(growth).to.be.below(GROWTH_OF_LINEAR_MAX);
  });
});
