import { closedLoop, SATURATING_IN_FLIGHT } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about:
    'How many complete orders of two lines a second there can be, beside services that do the same without actors.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: closedLoop(10, SATURATING_IN_FLIGHT),
  rounds: 5,
  peers: ['plain-sql', 'queue-table', 'dbos'],
};
