/** Any commands to one stock item, at any time: invariants 3, 4 and 8, against a model that counts by hand. */
import fc from 'fast-check';
import { expect } from 'chai';
import {
  CLOCK_SKEW_MAX_MS,
  DEFAULT_WAREHOUSE,
  type StockCommand,
  type StockEvent,
  type StockState,
} from '../../actors/stock/stock.ts';
import { stockDecider } from '../../actors/stock/decider.ts';
import { NOW } from '../support/decider-specification.ts';

const RUNS = 400;
const ID = 'stk_p';
/** A hold's id says until when it may come: the same at every re-send. */
const notAfterOf = (holdId: string): number => NOW + Number(holdId) * CLOCK_SKEW_MAX_MS;

interface Step {
  readonly command: StockCommand;
  /** Ahead of the time before it; then this worker's clock may be this much slow. */
  readonly laterMs: number;
  readonly slowMs: number;
}

const holdId = fc.nat(7).map(String);
const command: fc.Arbitrary<StockCommand> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(DEFAULT_WAREHOUSE, 'north', 'south'), fc.nat(12), fc.option(fc.nat(4), { nil: undefined }))
      .map(([warehouseId, onHand, threshold]) => ({
        type: 'SetStock' as const,
        warehouseId,
        onHand,
        ...(threshold !== undefined && { lowStockThreshold: threshold }),
      })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(holdId, fc.integer({ min: 1, max: 6 }))
      .map(([id, quantity]) => ({ type: 'HoldStock' as const, holdId: id, quantity, notAfter: notAfterOf(id) })),
  },
  {
    weight: 4,
    arbitrary: holdId.map((id) => ({ type: 'ReleaseHold' as const, holdId: id, notAfter: notAfterOf(id) })),
  },
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    command,
    laterMs: fc.constantFrom(0, 1, 1_000, CLOCK_SKEW_MAX_MS / 2, CLOCK_SKEW_MAX_MS),
    slowMs: fc.constantFrom(0, 0, 1, CLOCK_SKEW_MAX_MS),
  }),
  { maxLength: 60, size: 'max' },
);

/** Invariant 4, counted from the holds and warehouses one by one. */
function assertConserved(state: StockState): void {
  const heldAt = new Map<string, number>();
  let held = 0;
  for (const [, { quantity, from }] of state.holds) {
    held += quantity;
    for (const [warehouse, units] of from ?? [[DEFAULT_WAREHOUSE, quantity] as const])
      heldAt.set(warehouse, (heldAt.get(warehouse) ?? 0) + units);
  }
  let onHand = 0;
  for (const [warehouseId, warehouse] of state.warehouses) {
    onHand += warehouse.onHand;
    expect(warehouse.held, `held at ${warehouseId}`).to.equal(heldAt.get(warehouseId) ?? 0);
    expect(warehouse.held, `held at ${warehouseId}`).to.be.at.least(0).and.at.most(warehouse.onHand);
  }
  expect({ onHand: state.onHand, held: state.held }).to.deep.equal({ onHand, held });
}

const encoded = (state: StockState): unknown => JSON.parse(JSON.stringify(stockDecider.snapshot?.encode(state)));

/** Runs the steps; `visit` sees each decision. */
function live(
  all: readonly Step[],
  visit: (state: StockState, step: Step, at: number, events: readonly StockEvent[]) => void,
): void {
  const state = stockDecider.initial(ID);
  let time = NOW;
  for (const step of all) {
    time += step.laterMs;
    const at = time - step.slowMs;
    const decision = stockDecider.decide(state, step.command, at);
    const events = decision.kind === 'accepted' ? decision.events : [];
    for (const event of events) stockDecider.evolve(state, event, at);
    visit(state, step, at, events);
  }
}

describe('any commands to a stock item', () => {
  it('keep onHand = available + held, in every warehouse and in sum (invariant 4)', () => {
    fc.assert(
      fc.property(steps, (all) => live(all, (state) => assertConserved(state))),
      { numRuns: RUNS },
    );
  });

  it('leave a state that is the fold of the events, also from a snapshot on (invariant 3)', () => {
    fc.assert(
      fc.property(steps, fc.nat(60), (all, snapshotAfter) => {
        const fresh = stockDecider.initial(ID);
        let restored = stockDecider.initial(ID);
        let count = 0;
        live(all, (state, _step, at, events) => {
          for (const event of events) {
            stockDecider.evolve(fresh, event, at);
            stockDecider.evolve(restored, event, at);
          }
          count += 1;
          if (count === snapshotAfter) restored = stockDecider.snapshot?.decode(encoded(restored), ID) ?? restored;
          expect(encoded(fresh)).to.deep.equal(encoded(state));
          expect(encoded(restored)).to.deep.equal(encoded(state));
        });
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it('hold under one id at most once, however often and late it comes, and never after its release (invariant 8)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const heldOnce = new Set<string>();
        const barred = new Set<string>();
        live(all, (_state, { command: { type } }, _at, events) => {
          for (const event of events) {
            if (event.type === 'StockHeld') {
              expect(
                heldOnce.has(event.holdId) || barred.has(event.holdId),
                `${event.holdId} is held anew after ${type}`,
              ).to.equal(false);
              heldOnce.add(event.holdId);
            }
            if (event.type === 'StockHoldBarred') barred.add(event.holdId);
          }
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('have the same outcome when they come again at once (invariant 8)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        live(all, (state, { command: again }, at, events) => {
          const second = stockDecider.decide(state, again, at);
          // An accepted one is known now; a refused one is refused for the same reason.
          if (events.length > 0) expect(second).to.deep.equal({ kind: 'already_done' });
          else expect(second.kind).not.to.equal('accepted');
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('refuse a hold only for want of stock, time or permission', () => {
    fc.assert(
      fc.property(steps, (all) => {
        live(all, (state, { command: asked }, at, events) => {
          if (asked.type !== 'HoldStock' || events.length > 0 || state.holds.has(asked.holdId)) return;
          const free = state.onHand - state.held;
          const reasons = [!state.exists, state.closed.has(asked.holdId), at > asked.notAfter, asked.quantity > free];
          expect(reasons, JSON.stringify(asked)).to.include(true);
        });
      }),
      { numRuns: RUNS },
    );
  });
});
