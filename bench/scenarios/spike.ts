import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'Four times what can be served, for twenty seconds: what is refused, and how soon all is normal again.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [
    openLoop('warm-up', 500, 15, false),
    openLoop('before', 500, 20),
    openLoop('spike', 6_000, 20),
    openLoop('after', 500, 30),
  ],
};
