/**
 * Any interleaving, loss, duplication and lateness of the messages between Order, Reservation, Payment, StockItem and
 * the provider, with crashes anywhere: once messages arrive again, every order settles (invariant 6).
 *
 * SAGA_RUNS and SAGA_SEED choose more runs or another seed.
 */
import fc from 'fast-check';
import { messageOf } from '../../kernel/errors.ts';
import { scenarios, type Scenario } from './saga/scenario.ts';
import { assertSettled } from './saga/settlement.ts';
import { Simulation } from './saga/simulation.ts';

const RUNS = Number(process.env['SAGA_RUNS'] ?? 2_500);
const SEED = process.env['SAGA_SEED'] === undefined ? {} : { seed: Number(process.env['SAGA_SEED']) };
/** Finding a failure takes a moment, making it small may take minutes. */
const SHRINKING_MAX_MS = 90_000;

/** @throws Error whose message tells the whole day, step by step. */
function live(scenario: Scenario): void {
  const simulation = new Simulation(scenario);
  try {
    simulation.run();
    assertSettled(simulation);
  } catch (broken) {
    throw new Error(`${messageOf(broken)}\n\n${simulation.traceLines.join('\n')}\n`, { cause: broken });
  }
}

describe('the saga of order, reservation, payment and stock', () => {
  it('settles every order, whatever happens to messages and processes', function () {
    this.timeout(180_000);
    fc.assert(fc.property(scenarios(700), live), {
      numRuns: RUNS,
      interruptAfterTimeLimit: SHRINKING_MAX_MS,
      endOnFailure: process.env['SAGA_NO_SHRINK'] === '1',
      ...SEED,
    });
  });
});
