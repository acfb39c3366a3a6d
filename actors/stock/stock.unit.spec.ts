import { expect } from 'chai';
import { itDecides, itFollowsOnly, specify } from '../../test/support/decider-specification.ts';
import {
  barred,
  held,
  heldFrom,
  histories,
  hold,
  late,
  low,
  notAfter,
  release,
  released,
  set,
  setStock,
} from '../../test/support/stock-histories.ts';
import { ON_HAND_MAX, WAREHOUSES_MAX, type StockEvent } from './stock.ts';
import { stockDecider } from './decider.ts';

const given = specify(stockDecider, 'stk_p');
const absent = { HoldStock: 'unknown_product', ReleaseHold: 'StockHoldBarred', SetStock: 'StockSet' };
describe('StockItem decides', () => {
  const commands = { HoldStock: hold(4), ReleaseHold: release, SetStock: setStock(9) };
  itDecides(given, commands, [
    ['no stock entry', histories['no stock entry'], absent],
    ['a release before any entry', histories['a release before any entry'], { ...absent, ReleaseHold: 'already_done' }],
    [
      'stock set',
      histories['stock set'],
      { HoldStock: 'StockHeld', ReleaseHold: 'StockHoldBarred', SetStock: 'StockSet' },
    ],
    [
      'the hold open',
      histories['the hold open'],
      { HoldStock: 'already_done', ReleaseHold: 'StockReleased', SetStock: 'StockSet' },
    ],
    [
      'the hold released',
      histories['the hold released'],
      { HoldStock: 'hold_barred', ReleaseHold: 'already_done', SetStock: 'StockSet' },
    ],
    [
      'the hold barred',
      histories['the hold barred'],
      { HoldStock: 'hold_barred', ReleaseHold: 'already_done', SetStock: 'StockSet' },
    ],
    [
      'too little available',
      histories['too little available'],
      { HoldStock: 'insufficient_inventory', ReleaseHold: 'StockHoldBarred', SetStock: 'StockSet' },
    ],
  ]);
});

describe('HoldStock is refused in a fixed order', () => {
  const at = late;
  it('unknown product before everything', () =>
    given(barred).when(hold(9), { at }).rejects({ code: 'unknown_product' }));
  it('a known hold before its time and the stock: it has its units', () =>
    given(set(4), held(4)).when(hold(4), { at }).isAlreadyDone());
  it('a closed hold before its time and the stock', () =>
    given(set(1), barred).when(hold(9), { at }).rejects({ code: 'hold_barred' }));
  it('too late before the stock', () =>
    given(set(1)).when(hold(9), { at }).rejects({ code: 'hold_too_late', notAfter }));
  it('shortage last, with what there is', () =>
    given(set(5), held(2, 'other'))
      .when(hold(4))
      .rejects({ code: 'insufficient_inventory', requested: 4, available: 3 }));
  it('and never at its notAfter itself, or for the last unit', () =>
    given(set(4)).when(hold(4), { at: notAfter }).accepts(held(4)));
});

describe('SetStock', () => {
  it('creates the entry, also with nothing in it', () => given().when(setStock(0)).accepts(set(0)));
  it('is refused below what the warehouse holds', () =>
    given(set(5), set(9, 'north'), held(4))
      .when(setStock(3))
      .rejects({ code: 'stock_below_held', warehouseId: 'main', held: 4 }));
  it('may go down to exactly what is held', () => given(set(5), held(4)).when(setStock(4)).accepts(set(4)));
  it('that changes nothing is already done', () =>
    given(set(5, 'main', 2))
      .when(setStock(5, 'main', 2))
      .isAlreadyDone());
  it('without a threshold keeps the one there is', () => {
    const { state } = given(set(5, 'main', 2)).when(setStock(6));
    expect(state).to.include({ onHand: 6, lowStockThreshold: 2 });
  });
  it('with another threshold alone is a change', () =>
    given(set(5, 'main', 2))
      .when(setStock(5, 'main', 3))
      .accepts(set(5, 'main', 3)));
  it('with null for a threshold removes the one there is, once', () => {
    const removed = given(set(5, 'main', 2)).when(setStock(5, 'main', null));
    removed.accepts(set(5, 'main', null));
    expect(removed.state.lowStockThreshold).to.equal(undefined);
    given(set(5, 'main', 2), set(5, 'main', null))
      .when(setStock(5, 'main', null))
      .isAlreadyDone();
    given(set(5))
      .when(setStock(5, 'main', null))
      .isAlreadyDone();
  });
  it('counts to the largest amount exactly', () => {
    expect(given(set(ON_HAND_MAX), set(ON_HAND_MAX - 1, 'north')).state.onHand).to.equal(2 * ON_HAND_MAX - 1);
  });
});

describe('A hold over several warehouses', () => {
  const three = [set(2, 'north'), set(3), set(4, 'south')];
  it('takes from the default warehouse first, and says nothing of it', () =>
    given(...three)
      .when(hold(3))
      .accepts(held(3)));
  it('then from the others in the order they came', () =>
    given(...three)
      .when(hold(6))
      .accepts(
        heldFrom(6, [
          ['main', 3],
          ['north', 2],
          ['south', 1],
        ]),
      ));
  it('leaves out those without stock', () =>
    given(set(0, 'north'), set(0), set(4, 'south'))
      .when(hold(2))
      .accepts(heldFrom(2, [['south', 2]])));
  it('works without a default warehouse', () =>
    given(set(4, 'south'))
      .when(hold(4))
      .accepts(heldFrom(4, [['south', 4]])));
  it('is refused only when all of them together have too little', () =>
    given(...three)
      .when(hold(10))
      .rejects({ code: 'insufficient_inventory', requested: 10, available: 9 }));
  it('goes back to where it came from', () => {
    const { state } = given(
      ...three,
      heldFrom(6, [
        ['main', 3],
        ['north', 2],
        ['south', 1],
      ]),
    ).when(release);
    expect([...state.warehouses].map(([id, { held: units }]) => [id, units])).to.deep.equal([
      ['north', 0],
      ['main', 0],
      ['south', 0],
    ]);
    expect(state.held).to.equal(0);
  });
});

describe('LowStockReached', () => {
  const stocked = set(5, 'main', 2);
  it('is told by the hold that takes available to the threshold', () =>
    given(stocked).when(hold(3)).accepts(held(3), low(2, 2)));
  it('or past it', () => given(stocked).when(hold(4)).accepts(held(4), low(1, 2)));
  it('not above it', () => given(stocked).when(hold(2)).accepts(held(2)));
  it('not without a threshold', () => given(set(5)).when(hold(5)).accepts(held(5)));
  it('once, until available rises above the threshold again', () => {
    given(stocked, held(3), low(2, 2)).when(hold(1, 'next')).accepts(held(1, 'next'));
    given(stocked, held(3), low(2, 2), released).when(hold(3, 'next')).accepts(held(3, 'next'), low(2, 2));
    given(stocked, held(3), low(2, 2), set(9)).when(hold(5, 'next')).accepts(held(5, 'next'), low(1, 2));
  });
  it('not again after a rise that stays at or below it', () =>
    given(stocked, held(4), low(1, 2), set(6)).when(hold(1, 'next')).accepts(held(1, 'next')));
  it('counts the stock of all warehouses', () =>
    given(set(1, 'main', 2), set(5, 'north'))
      .when(hold(1))
      .accepts(held(1)));
});

describe('StockItem refuses to fold what cannot have happened', () => {
  const samples = [set(5), held(4), released, barred, low(1, 2)];
  itFollowsOnly(given, stockDecider.evolve, samples, [
    ['no stock entry', histories['no stock entry'], ['StockSet', 'StockHoldBarred']],
    ['a release before any entry', histories['a release before any entry'], ['StockSet']],
    ['stock set', histories['stock set'], ['StockSet', 'StockHeld', 'StockHoldBarred']],
    ['a threshold set', [set(5, 'main', 2)], ['StockSet', 'StockHeld', 'StockHoldBarred', 'LowStockReached']],
    ['the threshold reached', [set(5, 'main', 2), low(1, 2)], ['StockSet', 'StockHeld', 'StockHoldBarred']],
    ['the hold open', histories['the hold open'], ['StockSet', 'StockReleased']],
    ['the hold released', histories['the hold released'], ['StockSet']],
    ['the hold barred', histories['the hold barred'], ['StockSet']],
    ['too little available', histories['too little available'], ['StockSet', 'StockHoldBarred']],
  ]);
  it('an unknown event', () => given(set(5)).refusesToEvolve({ type: 'StockLost' } as unknown as StockEvent));
  it('stock below what is held', () => given(set(5), held(4)).refusesToEvolve(set(3)));
  it('a hold of a warehouse that is not there', () => given(set(5)).refusesToEvolve(heldFrom(1, [['north', 1]])));
  it('a hold of more than one warehouse has', () =>
    given(set(5), set(1, 'north')).refusesToEvolve(heldFrom(2, [['north', 2]])));
  it('a hold whose parts add up to something else', () =>
    given(set(5), set(1, 'north')).refusesToEvolve(
      heldFrom(3, [
        ['main', 1],
        ['north', 1],
      ]),
    ));
  for (const units of [-1, NaN]) {
    it(`${units} units`, () => {
      given().refusesToEvolve(set(units));
      given(set(5)).refusesToEvolve(held(units));
    });
  }
});

describe('the warehouses of a product', () => {
  const full = Array.from({ length: WAREHOUSES_MAX }, (_, n) => set(1, `w${n}`));

  it('are refused beyond the limit, and those that are there can still be set', () => {
    given(...full)
      .when({ type: 'SetStock', warehouseId: 'one-more', onHand: 1 })
      .rejects({ code: 'too_many_warehouses', countMax: WAREHOUSES_MAX });
    given(...full)
      .when({ type: 'SetStock', warehouseId: 'w0', onHand: 2 })
      .accepts(set(2, 'w0'));
  });
});
