import { closedLoop, SATURATING_IN_FLIGHT } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'One hot product of which 20,000 units are on hold, as when the payment provider hangs.',
  form: { products: 1, linesPerOrder: 1 },
  openHolds: 20_000,
  phases: closedLoop(10, SATURATING_IN_FLIGHT),
  rounds: 3,
  peers: ['plain-sql'],
};
