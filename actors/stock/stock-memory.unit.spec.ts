/** What a stock item remembers: closed holds for their time, captured answers and snapshots as they were. */
import { expect } from 'chai';
import { NOW, specify } from '../../test/support/decider-specification.ts';
import {
  barred,
  forgotten,
  held,
  heldFrom,
  histories,
  hold,
  low,
  notAfter,
  release,
  released,
  set,
  setStock,
} from '../../test/support/stock-histories.ts';
import { CLOCK_SKEW_MAX_MS, type StockEvent, type StockLevel } from './stock.ts';
import { stockDecider } from './decider.ts';

const given = specify(stockDecider, 'stk_p');

describe('A closed hold is remembered', () => {
  for (const [name, history] of [
    ['released', [set(5), held(4), released]],
    ['barred', [set(5), barred]],
  ] as const) {
    it(`${name}: as long as any clock may take it for in time`, () => {
      const state = stockDecider.evolve(given(...history).state, set(6), forgotten - 1);
      expect(stockDecider.decide(state, hold(1), notAfter)).to.deep.equal({
        kind: 'rejected',
        refusal: { code: 'hold_barred' },
      });
    });
    it(`${name}: and not longer, but then it is too late`, () => {
      const state = stockDecider.evolve(given(...history).state, set(6), forgotten);
      expect(state.closed.size).to.equal(0);
      expect(stockDecider.decide(state, hold(1), forgotten - CLOCK_SKEW_MAX_MS)).to.deep.equal({
        kind: 'rejected',
        refusal: { code: 'hold_too_late', notAfter },
      });
    });
  }

  it('but an open hold is kept for ever', () => {
    const state = stockDecider.evolve(given(set(5), held(4)).state, set(6), forgotten * 2);
    expect(stockDecider.decide(state, hold(4), forgotten * 2)).to.deep.equal({ kind: 'already_done' });
  });

  it('a release leaves a tombstone while its hold could still come, and none after', () => {
    given(set(5))
      .when(release, { at: forgotten - 1 })
      .accepts(barred);
    given(set(5)).when(release, { at: forgotten }).isAlreadyDone();
  });

  it('an open hold is released however late', () =>
    given(set(5), held(4)).when(release, { at: forgotten }).accepts(released));
});

describe('A captured answer of StockItem', () => {
  const history = [set(5, 'main', 2), set(3, 'north')];
  const level: StockLevel = {
    productId: 'p',
    exists: true,
    onHand: 8,
    held: 1,
    available: 7,
    lowStockThreshold: 2,
    warehouses: [
      { warehouseId: 'main', onHand: 5, held: 1, available: 4 },
      { warehouseId: 'north', onHand: 3, held: 0, available: 3 },
    ],
  };

  it('tells the sums and every warehouse, and does not change with the state', () => {
    const { state } = given(...history, held(1));
    const answer = stockDecider.answer(state, undefined);
    for (const event of [released, set(0), set(99, 'west')]) stockDecider.evolve(state, event, NOW);
    expect(answer).to.deep.equal(level);
  });

  it('is empty for holds and releases, whose asker needs no numbers', () => {
    const { state } = given(set(5));
    expect([stockDecider.answer(state, hold(1)), stockDecider.answer(state, release)]).to.deep.equal([null, null]);
    expect(stockDecider.answer(state, setStock(1))).to.include({ onHand: 5 });
  });

  it('says that a product never stocked does not exist', () => {
    expect(stockDecider.answer(given(barred).state, undefined)).to.include({ exists: false, onHand: 0, available: 0 });
  });
});

describe('A snapshot of StockItem', () => {
  const { snapshot } = stockDecider;
  const busy = [
    set(5, 'main', 2),
    set(3, 'north'),
    heldFrom(6, [
      ['main', 5],
      ['north', 1],
    ]),
    low(2, 2),
    { ...barred, holdId: 'b' } as StockEvent,
  ];
  for (const [name, history] of Object.entries({ ...histories, 'everything at once': busy })) {
    it(`comes back from JSON as it was: ${name}`, () => {
      const { state } = given(...history);
      expect(snapshot?.decode(JSON.parse(JSON.stringify(snapshot.encode(state))), 'stk_p')).to.deep.equal(state);
    });
  }

  it('does not change with the state it was taken of, nor changes what is decoded from it', () => {
    const { state } = given(...busy);
    const stored = snapshot?.encode(state);
    const before = JSON.stringify(stored);
    stockDecider.evolve(state, released, NOW);
    const decoded = snapshot?.decode(stored, 'stk_p');
    if (decoded) stockDecider.evolve(decoded, released, NOW);
    expect(JSON.stringify(stored)).to.equal(before);
  });

  it('forgets closed holds in the order they were closed', () => {
    const second: StockEvent = { type: 'StockHoldBarred', holdId: 'second', notAfter: notAfter + 5_000 };
    const { state } = given(set(5), barred, second);
    const decoded = snapshot?.decode(JSON.parse(JSON.stringify(snapshot.encode(state))), 'stk_p');
    if (decoded) stockDecider.evolve(decoded, set(6), forgotten);
    expect([...(decoded?.closed.keys() ?? [])]).to.deep.equal(['second']);
  });
});
