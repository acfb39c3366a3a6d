import { closedLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'Orders of 25 lines, the mean of real orders of a wholesaler (Online Retail): lines a second.',
  form: { products: 1_000, linesPerOrder: 25 },
  phases: closedLoop(15, 64),
  rounds: 3,
  peers: ['plain-sql'],
};
