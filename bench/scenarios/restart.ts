import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about:
    'All of a node is killed under load and started again: how long nothing is served, and how soon all is normal.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [openLoop('warm-up', 400, 20, false), openLoop('with a restart', 400, 40)],
  disturbances: [{ atSeconds: 30, what: 'kill-node' }],
};
