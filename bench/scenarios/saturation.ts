import { closedLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

/** So many that both cores are busy all the time, and batches are as large as they get. */
const IN_FLIGHT = 512;

export const scenario: Scenario = {
  about:
    'How many complete orders of two lines a second there can be, beside services that do the same without actors.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: closedLoop(10, IN_FLIGHT),
  rounds: 5,
  peers: ['plain-sql', 'queue-table', 'dbos'],
};
