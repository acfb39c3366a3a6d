/** Owns the result of a run, as `--json` writes it and the table shows it. */
import type { ServerFacts } from '../database/database-server.ts';
import type { CpuUse } from '../host/cpu-groups.ts';
import type { Machine } from '../host/machine.ts';
import type { BenchOptions } from '../options.ts';
import type { LatencySummary, RatioSummary } from '../statistics.ts';
import type { Verdict } from '../targets/target.ts';

export interface RunReport {
  readonly startedAt: string;
  readonly options: BenchOptions;
  readonly linesPerOrder: number;
  readonly products: number;
  readonly warmUpSeconds: number;
  readonly machine: Machine;
  readonly database: ServerFacts;
  /** Holdfast first, then its peer. */
  readonly sides: readonly [SideReport, SideReport];
  /** Orders/s of the first side over the second's. */
  readonly comparison: RatioSummary;
}

export interface SideReport {
  readonly name: string;
  readonly id: string;
  readonly rounds: readonly RoundReport[];
  /** The median of the rounds. */
  readonly ordersPerSecond: number;
  /** Warm-up and open holds included. */
  readonly ordersAnswered: number;
  readonly verdict: Verdict;
}

export interface RoundReport {
  readonly orders: number;
  readonly seconds: number;
  readonly ordersPerSecond: number;
  readonly latency: LatencySummary;
  readonly loadCpuSeconds: number;
  /** Absent where the system has no /proc. */
  readonly cpu?: RoundCpu;
}

export interface RoundCpu extends CpuUse {
  /** All that is neither a service, PostgreSQL nor load: what disturbed the round. Absent with a remote PostgreSQL. */
  readonly elsewhereSeconds?: number;
}
