import { expect } from 'chai';
import { permutationTest, smallestP } from './permutation-test.ts';

const counting = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

describe('permutationTest', () => {
  it('counts the ways of dealing out that are as extreme, either way', () => {
    // The sum of the first is 6 or 15 in 2 of 20 ways; at most 7 or at least 14 in 4 of 20.
    expect(permutationTest([1, 2, 3], [4, 5, 6])).to.equal(2 / 20);
    expect(permutationTest([1, 2, 4], [3, 5, 6])).to.equal(4 / 20);
    expect(permutationTest(counting(1, 4), counting(5, 4))).to.equal(2 / 70);
  });

  it('does not depend on the order of rounds, nor on which side comes first', () => {
    expect(permutationTest([6, 4, 5], [3, 1, 2])).to.equal(2 / 20);
    expect(permutationTest([3, 5, 6], [4, 1, 2])).to.equal(4 / 20);
  });

  it('divides by the size of each side where they differ', () => {
    // The means differ by 1.5, 0 and 1.5.
    expect(permutationTest([1], [2, 3])).to.equal(2 / 3);
  });

  it('takes equal differences for equal, whatever rounding makes of them', () => {
    expect(permutationTest([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])).to.equal(1);
    expect(permutationTest([0.1, 0.2, 0.4], [0.3, 0.5, 0.6])).to.equal(4 / 20);
  });

  it('finds nothing in values that are all the same', () => {
    expect(permutationTest([7, 7, 7, 7], [7, 7, 7, 7])).to.equal(1);
  });

  it('draws the ways of many values, close to all of them and the same each time', () => {
    const ones = (count: number) => [...Array<number>(count).fill(1), ...Array<number>(10 - count).fill(0)];
    // Of 184,756 ways, 2 * (120 * 120 + 45 * 45 + 10 * 10 + 1) have at least 7 ones on one side (Fisher's exact test).
    const exact = (2 * (120 * 120 + 45 * 45 + 10 * 10 + 1)) / 184_756;
    const drawn = permutationTest(ones(7), ones(3));
    expect(drawn).to.be.closeTo(exact, 0.01).and.not.equal(exact);
    expect(permutationTest(ones(7), ones(3))).to.equal(drawn);
  });

  it('counts the real way among the drawn ones, so that no p is 0', () => {
    expect(permutationTest(counting(0, 20), counting(1000, 20))).to.equal(1 / 20_001);
  });

  it('refuses a side without values', () => {
    expect(() => permutationTest([], [1])).to.throw('both sides');
  });
});

describe('smallestP', () => {
  it('is reached by the most extreme values', () => {
    for (const [first, second] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ] as const) {
      expect(smallestP(first, second)).to.equal(permutationTest(counting(0, first), counting(1000, second)));
    }
    // Unequal sides: no mirror image is as extreme.
    expect(smallestP(1, 3))
      .to.equal(permutationTest([1000], [0, 0, 1]))
      .and.to.equal(1 / 4);
  });

  it('needs four rounds against four to be below 5 %', () => {
    expect([3, 4].map((rounds) => smallestP(rounds, rounds) < 0.05)).to.deep.equal([false, true]);
  });
});
