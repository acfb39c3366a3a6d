import { expect } from 'chai';
import type { RetailOrder } from './retail-file.ts';
import { simulateStock, unitsWanted } from './simulate-stock.ts';

function order(invoiceNo: string, ...lines: readonly (readonly [productId: string, quantity: number])[]): RetailOrder {
  return {
    invoiceNo,
    customerId: '1',
    country: 'France',
    placedAt: '2011-01-01T00:00:00.000Z',
    lines: lines.map(([productId, quantity]) => ({ productId, quantity, unitPrice: 100 })),
  };
}

describe('simulation of stock', () => {
  const orders = [order('1', ['A', 2], ['B', 1], ['A', 1]), order('2', ['B', 5], ['A', 1]), order('3', ['A', 1])];

  it('sums what all orders want of each product', () => {
    expect(Object.fromEntries(unitsWanted(orders))).to.deep.equal({ A: 5, B: 6 });
  });

  it('refuses no order, and leaves nothing, when there is exactly what the orders want', () => {
    const { refused, available } = simulateStock(orders, unitsWanted(orders));
    expect([...refused]).to.deep.equal([]);
    expect([...available.values()]).to.deep.equal([0, 0]);
  });

  it('takes all of an order or nothing: what a refused order would have taken serves the next', () => {
    const { refused, available } = simulateStock(
      orders,
      new Map([
        ['A', 4],
        ['B', 5],
      ]),
    );
    expect([...refused]).to.deep.equal(['2']);
    expect(Object.fromEntries(available)).to.deep.equal({ A: 0, B: 4 });
  });

  it('sums the lines of one product before it judges', () => {
    expect([...simulateStock([order('1', ['A', 2], ['A', 2])], new Map([['A', 3]])).refused]).to.deep.equal(['1']);
  });

  it('refuses an order of a product without stock', () => {
    expect([...simulateStock([order('1', ['C', 1])], new Map()).refused]).to.deep.equal(['1']);
  });
});
