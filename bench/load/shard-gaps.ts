/** The arithmetic of unserved shards: how long no answer came, seen from outside. */
import { percentile, sum, type LatencySummary } from '../statistics.ts';
import type { LoadError } from './messages.ts';

/** The results of probes; all times are of one clock. */
export interface ProbeLog {
  /** When a write was answered, ascending; one list a shard. */
  readonly answeredAtMs: readonly (readonly number[])[];
  readonly failures: ReadonlyMap<string, number>;
}

export interface ShardGaps {
  readonly shards: number;
  readonly answered: number;
  readonly failures: readonly LoadError[];
  /** The longest gap of each shard before the first disturbance: what a gap is when nothing happens. */
  readonly quiet: LatencySummary;
  /** The longest gap of each shard after each disturbance. */
  readonly disturbed: LatencySummary;
  readonly disturbances: number;
}

/** @param disturbedAtMs ascending, the first after all shards have answered. @throws where a shard never answered */
export function shardGaps({ answeredAtMs, failures }: ProbeLog, disturbedAtMs: readonly number[]): ShardGaps {
  const endMs = Math.max(...answeredAtMs.map((times) => times.at(-1) ?? 0));
  const longest = (fromMs: number, untilMs: number): number[] =>
    answeredAtMs.map((times) => longestGap(times, fromMs, untilMs));
  const quiet = answeredAtMs.map((times) => times.filter((atMs) => atMs < (disturbedAtMs[0] ?? Infinity)));
  return {
    shards: answeredAtMs.length,
    answered: sum(answeredAtMs.map((times) => times.length)),
    failures: [...failures].map(([message, count]) => ({ message, count })),
    quiet: summary(quiet.map((times) => longestGap(times, 0, times.at(-1) ?? 0))),
    disturbed: summary(disturbedAtMs.flatMap((atMs, index) => longest(atMs, disturbedAtMs[index + 1] ?? endMs))),
    disturbances: disturbedAtMs.length,
  };
}

/** Between two answers, of those gaps that end in the time, and of one that no answer ends. */
function longestGap(times: readonly number[], fromMs: number, untilMs: number): number {
  let longest = 0;
  let before: number | undefined;
  for (const atMs of times) {
    if (before !== undefined && atMs >= fromMs && before < untilMs) longest = Math.max(longest, atMs - before);
    before = atMs;
  }
  if (before === undefined) throw new Error('a shard never answered');
  return before < untilMs ? Math.max(longest, untilMs - Math.max(before, fromMs)) : longest;
}

function summary(gapsMs: readonly number[]): LatencySummary {
  const sorted = [...gapsMs].sort((a, b) => a - b);
  const at = (percent: number): number => (sorted.length === 0 ? 0 : percentile(sorted, percent));
  return { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), maxMs: at(100) };
}
