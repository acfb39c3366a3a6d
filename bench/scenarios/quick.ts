import { closedLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'Complete orders of two lines a second, beside plain SQL: the ratio to watch from one change to the next.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: closedLoop(10),
  rounds: 3,
  peers: ['plain-sql'],
};
