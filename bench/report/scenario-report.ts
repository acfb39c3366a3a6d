/**
 * The result of a scenario: `--json` writes it, and every other form of the report is made from it. Plain JSON. Times
 * are seconds since the round's load began, latencies milliseconds, CPU in cores (1 = one core, busy).
 */
import type { ServerFacts } from '../database/database-server.ts';
import type { Machine } from '../host/machine.ts';
import type { ShardGaps } from '../load/shard-gaps.ts';
import type { LatencySummary, RatioSummary } from '../statistics.ts';
import type { Verdict } from '../targets/target.ts';

export interface ScenarioReport {
  readonly scenario: string;
  /** One sentence: what it shows. */
  readonly about: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The scenario's settings in force, shown unchanged. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly machine: Machine;
  readonly database: ServerFacts;
  /** Holdfast first, then its peers. */
  readonly sides: readonly SideResult[];
  /** Of Holdfast with each peer: verified orders/s, medians. */
  readonly comparisons: readonly { readonly peer: string; readonly ratio: RatioSummary }[];
  /** Why no figure of this run counts; empty for a good run. */
  readonly invalid: readonly string[];
}

export interface SideResult {
  readonly name: string;
  readonly id: string;
  readonly rounds: readonly RoundResult[];
  readonly verdict: Verdict;
  /** The median of the rounds' measured phases; absent without a clean verdict. */
  readonly verifiedOrdersPerSecond?: number;
}

export interface RoundResult {
  /** When its load began, in microseconds of the machine's monotonic clock, as in CPU profiles. */
  readonly startedUs?: number;
  readonly phases: readonly PhaseResult[];
  /** One a second. */
  readonly series: readonly SecondSample[];
  /** The disturbances of the service, and their results. */
  readonly marks: readonly { readonly at: number; readonly text: string }[];
  /** Where shards were probed. */
  readonly shardGaps?: ShardGaps;
}

export interface PhaseResult {
  readonly name: string;
  /** Warm-up is shown, and counts for nothing. */
  readonly measured: boolean;
  readonly from: number;
  readonly seconds: number;
  /** Arrivals a second that the schedule asked for; absent in a closed loop. */
  readonly offeredPerSecond?: number;
  /** Arrivals for which no connection was free in time: any makes an open loop's figure invalid. */
  readonly dropped: number;
  /** Complete orders: reserved, authorized, confirmed, captured. */
  readonly orders: number;
  readonly ordersPerSecond: number;
  readonly linesPerSecond: number;
  readonly operations: readonly OperationResult[];
  readonly cpu?: PhaseCpu;
}

export interface OperationResult {
  /** e.g. `place`, `place until confirmed`, `read`. */
  readonly name: string;
  readonly answered: number;
  /** Answers 503: refused, to be sent again later. */
  readonly refused: number;
  readonly errors: readonly { readonly message: string; readonly count: number }[];
  /** Of answers as promised, from the intended start in an open loop; absent where there were none. */
  readonly latency?: LatencySummary;
  /** An HdrHistogram of microseconds, compressed, base64 (the format of .hlog files). */
  readonly hdr: string;
}

/** Microseconds of CPU an order. */
export interface PhaseCpu {
  readonly primary: number;
  readonly workers: readonly number[];
  readonly postgres?: number;
  readonly broker?: number;
  readonly load: number;
}

export interface SecondSample {
  readonly at: number;
  readonly answered: number;
  readonly refused: number;
  readonly errors: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  /** Cores, by process: `primary`, `worker 1`, ..., `PostgreSQL`, `load`. */
  readonly cpu: Readonly<Record<string, number>>;
  /** MiB, by process. */
  readonly rss: Readonly<Record<string, number>>;
  /** Of Holdfast's workers together; absent for peers. */
  readonly node?: NodeSample;
}

export interface NodeSample {
  readonly commitsPerSecond: number;
  /** Rows a commit. */
  readonly batchRows: number;
  readonly mailboxDepth: number;
  /** Of the slowest worker. */
  readonly eventLoopDelayMs: number;
  readonly httpInFlight: number;
  readonly projectionLagMs: number;
}
