import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'The promise: 1,000 orders a second for ten minutes, as shoppers come; one in ten waits for its confirmation.',
  form: { products: 1_000, linesPerOrder: 2 },
  mix: { place: 9, 'place until confirmed': 1 },
  phases: [openLoop('warm-up', 1_000, 20, false), openLoop('steady', 1_000, 600)],
  refusesNone: true,
};
