import { closedLoop, SATURATING_IN_FLIGHT } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'Every order for one and the same product: how far a single actor, or a single row, carries.',
  form: { products: 1, linesPerOrder: 1 },
  phases: closedLoop(10, SATURATING_IN_FLIGHT),
  rounds: 5,
  peers: ['plain-sql'],
};
