/** Decides what counts as standing still: a node that answers no request would keep safety alone. Pure. */
import type { TimelineEntry } from '../timeline.ts';
import { coveredMs } from './intervals.ts';
import { type Violation, Violations } from './violation.ts';

/**
 * No order acknowledged for this long, not counting the time in which no node could serve, is too long. Generous: the
 * shards of a worker that died, froze or waits behind a half-sent append stand still until it is back.
 */
export const STANDSTILL_MS_MAX = 40_000;
/** Of the orders that clients began. */
const ACKNOWLEDGED_SHARE_MIN = 0.2;

export interface ProgressFacts {
  readonly durationMs: number;
  readonly wanted: number;
  readonly acknowledgedAtMs: readonly number[];
  readonly timeline: readonly TimelineEntry[];
}

export function checkProgress({ durationMs, wanted, acknowledgedAtMs, timeline }: ProgressFacts): Violation[] {
  const violations = new Violations();
  const stops = timeline
    .filter(({ stopsAll }) => stopsAll)
    .map(({ atMs, durationMs: lasted }) => [atMs, lasted === undefined ? durationMs : atMs + lasted] as const);
  const moments = [...acknowledgedAtMs.filter((atMs) => atMs < durationMs).sort((a, b) => a - b), durationMs];
  let previousMs = 0;
  for (const atMs of moments) {
    const idleMs = atMs - previousMs - coveredMs(stops, previousMs, atMs);
    if (idleMs > STANDSTILL_MS_MAX) {
      const subject = `${(previousMs / 1000).toFixed(1)} s to ${(atMs / 1000).toFixed(1)} s`;
      const expected = `an order within ${STANDSTILL_MS_MAX / 1000} s in which a node could serve`;
      violations.add('standstill', subject, expected, `none in ${(idleMs / 1000).toFixed(1)} s`);
    }
    previousMs = atMs;
  }
  if (acknowledgedAtMs.length < wanted * ACKNOWLEDGED_SHARE_MIN || acknowledgedAtMs.length === 0) {
    const expected = `at least ${ACKNOWLEDGED_SHARE_MIN * 100} % of ${wanted} orders acknowledged`;
    violations.add('too_few_orders', 'the whole run', expected, String(acknowledgedAtMs.length));
  }
  return violations.list;
}
