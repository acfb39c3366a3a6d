/** Reads a running Holdfast node's figures once a second, for the plots. */
import type { WorkerReport } from '../../supervisors/worker-report.ts';
import type { NodeSample } from '../report/scenario-report.ts';

const TIMEOUT_MS = 900;

/** A worker without a report yet has none of its fields. */
interface Supervision {
  readonly node: { readonly workers: readonly Partial<WorkerReport>[] };
}

export class NodeMetrics {
  readonly #url: string;
  #before: { readonly atMs: number; readonly commits: number; readonly rows: number } | undefined;

  constructor(adminPort: number) {
    this.#url = `http://127.0.0.1:${adminPort}/health/supervision`;
  }

  /** Undefined while it does not answer: it may have been killed. */
  async sample(): Promise<NodeSample | undefined> {
    let supervision: Supervision;
    try {
      const answer = await fetch(this.#url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      supervision = (await answer.json()) as Supervision;
    } catch {
      return undefined;
    }
    const reports = supervision.node.workers.filter((worker): worker is WorkerReport => worker.journal !== undefined);
    if (reports.length === 0) return undefined;
    const sum = (of: (report: WorkerReport) => number): number => reports.reduce((total, each) => total + of(each), 0);
    const worst = (of: (report: WorkerReport) => number): number => Math.max(...reports.map(of));
    const now = { atMs: performance.now(), commits: sum((r) => r.journal.commits), rows: sum((r) => r.journal.rows) };
    const before = this.#before ?? now;
    this.#before = now;
    const commits = Math.max(0, now.commits - before.commits); // a new worker counts from nothing
    const rows = Math.max(0, now.rows - before.rows);
    return {
      commitsPerSecond: commits === 0 ? 0 : (commits / (now.atMs - before.atMs)) * 1_000,
      batchRows: commits === 0 ? 0 : rows / commits,
      mailboxDepth: sum((r) => Object.values(r.actors).reduce((total, { mailboxDepth }) => total + mailboxDepth, 0)),
      eventLoopDelayMs: worst((r) => r.eventLoopDelayMaxMs),
      httpInFlight: sum((r) => r.http.inFlight),
      projectionLagMs: worst((r) => r.projections.lagMs),
    };
  }
}
