import { expect } from 'chai';
import { compareRounds, median, percentile } from './statistics.ts';

describe('median', () => {
  it('is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([7])).to.equal(7);
  });

  it('is the mean of the two middle values of an even number', () => {
    expect(median([4, 1, 3, 100])).to.equal(3.5);
  });

  it('sorts by size, not as text', () => {
    expect(median([100, 20, 3])).to.equal(20);
  });

  it('does not exist for no values', () => {
    expect(() => median([])).to.throw('no values');
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it('is the smallest value that so many do not exceed', () => {
    expect([0, 1, 50, 95, 99, 99.1, 100].map((percent) => percentile(hundred, percent))).to.deep.equal([
      1, 1, 50, 95, 99, 100, 100,
    ]);
  });

  it('is the only value of one', () => {
    expect([1, 50, 99].map((percent) => percentile([42], percent))).to.deep.equal([42, 42, 42]);
  });

  it('does not exist for no values', () => {
    expect(() => percentile([], 50)).to.throw('no values');
  });
});

describe('compareRounds', () => {
  it('divides the medians and shows the spread of the single rounds', () => {
    expect(compareRounds([400, 300, 800], [100, 100, 200])).to.deep.equal({ ratio: 4, lowest: 3, highest: 4 });
  });

  it('refuses sides of different length', () => {
    expect(() => compareRounds([1], [])).to.throw('same number');
  });
});
