/** The phases that scenarios are made of. */
import type { Phase } from './scenario.ts';

/** Until the code is compiled and the products are in memory. */
const WARM_UP_SECONDS = 5;
const IN_FLIGHT = 256;
/** So many that both cores are busy all the time, and batches are as large as they get. */
export const SATURATING_IN_FLIGHT = 512;

/** So many orders in flight, each answered one followed by the next. */
export const closedLoop = (seconds: number, inFlight = IN_FLIGHT): readonly Phase[] => [
  { name: 'warm-up', length: { seconds: WARM_UP_SECONDS }, arrivals: { kind: 'closed', inFlight }, measured: false },
  { name: 'measured', length: { seconds }, arrivals: { kind: 'closed', inFlight }, measured: true },
];

/** Arrivals at times of their own, as shoppers come, independent of earlier answers. */
export const openLoop = (name: string, perSecond: number, seconds: number, measured = true): Phase => ({
  name,
  length: { seconds },
  arrivals: { kind: 'open', perSecond, spacing: 'poisson' },
  measured,
});
