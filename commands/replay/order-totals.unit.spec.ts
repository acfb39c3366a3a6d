import { expect } from 'chai';
import { OrderTotals, ranksRight, topOf } from './order-totals.ts';

describe('order totals', () => {
  it('counts orders, lines, units, money, customers, countries and products', () => {
    const totals = new OrderTotals();
    const line = { productId: 'A', quantity: 2, unitPrice: 255 };
    totals.add({ customerId: '1', country: 'France', lines: [line, { ...line, productId: 'a' }] });
    totals.add({ customerId: '1', country: 'EIRE', lines: [line] });
    const { orders, lines, units, gross, linesMax, customers, skus } = totals;
    expect({ orders, lines, units, gross, linesMax, customers, skus }).to.deep.equal({
      orders: 2,
      lines: 3,
      units: 6,
      gross: 1530,
      linesMax: 2,
      customers: 1,
      skus: 2,
    });
    expect(topOf(totals.grossByCountry, 5)).to.deep.equal([
      ['France', 1020],
      ['EIRE', 510],
    ]);
  });

  describe('a ranking', () => {
    const values = new Map([
      ['A', 3],
      ['B', 2],
      ['C', 2],
      ['D', 1],
    ]);
    it('is right however equal values are ordered', () => {
      expect(
        ranksRight(
          [
            ['A', 3],
            ['C', 2],
            ['B', 2],
          ],
          values,
        ),
      ).to.equal(true);
      expect(
        ranksRight(
          [
            ['A', 3],
            ['C', 2],
          ],
          values,
        ),
      ).to.equal(true);
    });
    it('is wrong with another value, another name, a name twice, or a place left out', () => {
      expect(ranksRight([['A', 4]], values)).to.equal(false);
      expect(ranksRight([['E', 3]], values)).to.equal(false);
      expect(
        ranksRight(
          [
            ['A', 3],
            ['B', 2],
            ['B', 2],
          ],
          values,
        ),
      ).to.equal(false);
      expect(
        ranksRight(
          [
            ['A', 3],
            ['B', 2],
            ['D', 1],
          ],
          values,
        ),
      ).to.equal(false);
    });
  });
});
