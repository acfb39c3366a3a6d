/** The state of a worker: it reports this to its primary twice a second, and the admin port shows it. Plain JSON. */
import type { Directive } from '../runtime/entity/guardian.ts';

export const REPORT_INTERVAL_MS = 500;

export interface Check {
  /** `degraded`: orders are taken and settle, but something that follows them waits. */
  readonly status: 'up' | 'degraded' | 'down';
  readonly latencyMs?: number;
  /** ISO 8601: since when it has this status. */
  readonly since?: string;
  readonly detail?: string;
}

export interface KindReport {
  /** Entities in memory. */
  readonly live: number;
  /** Messages that wait for them. */
  readonly mailboxDepth: number;
  /** Of those, how long the oldest waits. */
  readonly mailboxAgeMs: number;
}

/** A decision over an actor that crashed. */
export interface Failure {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: string;
  readonly entityId: string;
  readonly error: string;
  readonly directive: Directive;
}

export interface WorkerReport {
  readonly checks: Readonly<Record<string, Check>>;
  readonly shards: { readonly served: number; readonly missing: number };
  readonly actors: Readonly<Record<string, KindReport>>;
  /** Decisions since the worker's start, by directive. */
  readonly directives: Readonly<Record<Directive, number>>;
  readonly lastFailures: readonly Failure[];
  /** The first entities set apart: they can't be read, or a part of them can't be written. */
  readonly quarantined: { readonly count: number; readonly entityIds: readonly string[] };
  readonly wakeUps: number;
  readonly parkedAsks: number;
  /** Retries that have failed for many tries and some time, with reason and remedy. */
  readonly failing: readonly string[];
  readonly deadLetters: number;
  readonly journal: {
    readonly waitingRows: number;
    readonly commits: number;
    readonly rows: number;
    /** How long rows have waited without any commit; 0 while there is progress. */
    readonly stalledMs: number;
  };
  readonly projections: { readonly lagRows: number; readonly lagMs: number };
  /** Absent without a broker. */
  readonly relay?: {
    readonly published: number;
    /** Of them: no queue took them. */
    readonly unrouted: number;
    readonly lagRows: number;
    /** How long the oldest row waits to be published. */
    readonly lagMs: number;
    readonly held: number;
  };
  readonly http: { readonly inFlight: number; readonly unfinishedBodies: number };
  /** The database's clock before this machine's. */
  readonly clockSkewMs: number;
  readonly eventLoopDelayMaxMs: number;
  readonly rssBytes: number;
}

/** Ready for work: nothing is down. */
export function isHealthy(checks: Readonly<Record<string, Check>>): boolean {
  return Object.values(checks).every(({ status }) => status !== 'down');
}

/** The word for the whole, above its checks. */
export function wordFor(healthy: boolean, checks: Readonly<Record<string, Pick<Check, 'status'>>>): string {
  if (!healthy) return 'unavailable';
  return Object.values(checks).some(({ status }) => status === 'degraded') ? 'degraded' : 'ok';
}
