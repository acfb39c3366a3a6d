import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'An hour of everything that shoppers do, at half the promised rate: whether anything grows that should not.',
  form: { products: 1_000, linesPerOrder: 2 },
  mix: { place: 42, 'place manually': 10, read: 30, list: 5, cancel: 4, 'read stock': 10, confirm: 6 },
  phases: [openLoop('warm-up', 500, 20, false), openLoop('soak', 500, 3_600)],
  refusesNone: true,
};
