import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about:
    'Five times the sustainable rate for three minutes: what still gets through, and how soon all is normal again.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [
    openLoop('warm-up', 500, 15, false),
    openLoop('sustainable', 1_250, 20),
    openLoop('as much as there can be', 1_750, 20),
    openLoop('overload', 6_250, 180),
    openLoop('after', 500, 20),
  ],
};
