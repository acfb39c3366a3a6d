import { expect } from 'chai';
import fc from 'fast-check';
import { Ledger } from './ledger.ts';

describe('ledger of holds', () => {
  it('finds nothing where stock holds what reservations say, in whatever order', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.uuid(), fc.integer({ min: 1, max: 9 })), (items) => {
        const ledger = new Ledger();
        for (const [id, quantity] of Object.entries(items)) ledger.expect(id, [['A', quantity]]);
        const holds = new Map(
          Object.entries(items)
            .reverse()
            .map(([id, quantity]) => [id, quantity]),
        );
        expect(ledger.settle('A', holds)).to.equal(undefined);
        expect(ledger.unsettled().size).to.equal(0);
      }),
    );
  });
  it('finds a missing, a surplus, another quantity, and two that are swapped', () => {
    const found = (expected: Record<string, number>, holds: Record<string, number>): boolean => {
      const ledger = new Ledger();
      for (const [id, quantity] of Object.entries(expected)) ledger.expect(id, [['A', quantity]]);
      return ledger.settle('A', new Map(Object.entries(holds).map(([id, quantity]) => [id, quantity]))) !== undefined;
    };
    expect(found({ r1: 1, r2: 2 }, { r1: 1 })).to.equal(true);
    expect(found({ r1: 1 }, { r1: 1, r2: 2 })).to.equal(true);
    expect(found({ r1: 1 }, { r1: 2 })).to.equal(true);
    expect(found({ r1: 1, r2: 2 }, { r1: 2, r2: 1 })).to.equal(true);
    expect(found({ r1: 1, r2: 2 }, { r1: 1, r3: 2 })).to.equal(true);
  });
  it('excuses reservations whose holds are moving', () => {
    const ledger = new Ledger();
    ledger.excuse('r2');
    ledger.expect('r1', [['A', 1]]);
    expect(
      ledger.settle(
        'A',
        new Map([
          ['r1', 1],
          ['r2', 5],
        ]),
      ),
    ).to.equal(undefined);
  });
  it('keeps what was never settled: a product that stock does not know', () => {
    const ledger = new Ledger();
    ledger.expect('r1', [
      ['A', 1],
      ['B', 2],
    ]);
    ledger.settle('A', new Map([['r1', 1]]));
    expect([...ledger.unsettled().keys()]).to.deep.equal(['B']);
  });
});
