import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about:
    'What shoppers and staff do side by side: placing, reading, listing, confirming, cancelling, looking at stock.',
  form: { products: 1_000, linesPerOrder: 2 },
  mix: { place: 35, 'place manually': 10, read: 30, list: 5, cancel: 4, 'read stock': 10, confirm: 6 },
  phases: [openLoop('warm-up', 1_000, 10, false), openLoop('mixed', 1_000, 60)],
  refusesNone: true,
};
