import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'A worker is killed under load: how deep the dip is, and how long.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [openLoop('warm-up', 800, 20, false), openLoop('with a kill', 800, 40)],
  disturbances: [{ atSeconds: 30, what: 'kill-worker' }],
};
