/** Makes a worker's report from its parts, twice a second. A report is proof that the event loop turns. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Ownership } from '../runtime/sharding/ownership.ts';
import type { ShardKeeper } from '../runtime/sharding/shard-keeper.ts';
import type { ShardRegion } from '../runtime/sharding/shard-region.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { LastingFailure } from '../kernel/lasting-failure.ts';
import type { Journal } from '../persistence/journal.ts';
import type { Projections } from '../persistence/projections.ts';
import type { EntityGuardian } from './guardian.ts';
import type { WorkerHealth } from './worker-health.ts';
import { REPORT_INTERVAL_MS, type WorkerReport } from './worker-report.ts';

const QUARANTINED_SHOWN_MAX = 20;
const NANOSECONDS_PER_MS = 1e6;

export interface ReportedParts {
  readonly region: ShardRegion;
  readonly journal: Journal;
  readonly projections: Projections;
  readonly keeper: ShardKeeper;
  readonly ownership: Ownership;
  readonly guardian: EntityGuardian;
  readonly health: WorkerHealth;
  readonly edge: { inFlight(): number; unfinishedBodies(): number };
  /** Of all parts. */
  readonly failures: readonly LastingFailure[];
  readonly relay?: { readonly figures: NonNullable<WorkerReport['relay']> };
}

export class Reporter {
  readonly #parts: ReportedParts;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  readonly #send: (report: WorkerReport) => void;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(parts: ReportedParts, clock: Clock, send: (report: WorkerReport) => void) {
    this.#parts = parts;
    this.#clock = clock;
    this.#send = send;
  }

  start(): void {
    this.#delay.enable();
    this.#timer = this.#clock.every(REPORT_INTERVAL_MS, () => this.sendNow(), { unref: true });
  }

  /** For a caller that is about to judge by the report. */
  sendNow(): void {
    this.#send(this.#report());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#delay.disable();
  }

  #report(): WorkerReport {
    const { region, journal, projections, keeper, ownership, guardian, health, edge, relay } = this.#parts;
    const { kinds, shardsOwned, quarantined, wakeUps, parked, deadLetters } = region.figures;
    const { gatheredRows, commits, rows, stalledMs } = journal.figures;
    const apart = [...quarantined, ...projections.apart];
    const eventLoopDelayMaxMs = Math.round(this.#delay.max / NANOSECONDS_PER_MS);
    this.#delay.reset();
    return {
      checks: health.checks(),
      shards: { served: shardsOwned, missing: keeper.takingCount },
      actors: kinds,
      directives: guardian.counts,
      lastFailures: guardian.lastFailures,
      quarantined: { count: apart.length, entityIds: apart.slice(0, QUARANTINED_SHOWN_MAX) },
      wakeUps,
      parkedAsks: parked,
      failing: this.#parts.failures.flatMap(({ text }) => text ?? []),
      deadLetters,
      journal: { waitingRows: gatheredRows, commits, rows, stalledMs },
      projections: { lagRows: projections.lagRows, lagMs: projections.lagMs },
      ...(relay && { relay: relay.figures }),
      http: { inFlight: edge.inFlight(), unfinishedBodies: edge.unfinishedBodies() },
      clockSkewMs: ownership.clockSkewMs,
      eventLoopDelayMaxMs,
      rssBytes: process.memoryUsage.rss(),
    };
  }
}
