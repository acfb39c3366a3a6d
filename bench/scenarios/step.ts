import { openLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

const RATES = [250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000, 2_250, 2_500];

export const scenario: Scenario = {
  about: 'Rising rates, to find the knee: the highest whose orders are all confirmed without a queue building up.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [openLoop('warm-up', 500, 15, false), ...RATES.map((rate) => openLoop(`${rate}/s`, rate, 15))],
};
