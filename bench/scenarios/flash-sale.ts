import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'A quiet shop, then within a second 1,200 orders a second for three products, for half a minute.',
  form: { products: 3, linesPerOrder: 1 },
  phases: [openLoop('quiet', 100, 15, false), openLoop('sale', 1_200, 30), openLoop('after', 100, 15)],
};
