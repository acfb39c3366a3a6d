import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

const KILLS = 30;
const FIRST_AT_SECONDS = 15;
/** By then the one before is back; and a node gives up after more than ten deaths within a minute. */
const EVERY_SECONDS = 7;

export const scenario: Scenario = {
  about: 'Workers are killed under load, one every few seconds: how long each shard goes unserved.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [
    openLoop('warm-up', 150, FIRST_AT_SECONDS - 5, false),
    openLoop('with kills', 150, 5 + KILLS * EVERY_SECONDS),
  ],
  disturbances: Array.from({ length: KILLS }, (_, index) => ({
    atSeconds: FIRST_AT_SECONDS + index * EVERY_SECONDS,
    what: 'kill-worker',
  })),
  probes: { shards: 32, everyMs: 20 },
};
