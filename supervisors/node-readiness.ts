/**
 * Should requests be sent to the node? Its workers accept from one socket, so the open ones take all requests. A worker
 * that is restarted or dead takes none and fails none.
 */
import { isHealthy, type WorkerReport } from './worker-report.ts';

export interface WorkerReadiness {
  /** It takes requests. */
  readonly isOpen: boolean;
  /** It finishes its work and is replaced: its connections end one by one. */
  readonly isLeaving: boolean;
  readonly report: WorkerReport | undefined;
}

/** At least half of the workers take requests, and each of these is fit for them. */
export function takesRequests(workers: readonly WorkerReadiness[]): boolean {
  const open = workers.filter(({ isOpen, isLeaving }) => isOpen && !isLeaving);
  return open.length * 2 >= workers.length && open.every(({ report }) => isFit(report));
}

function isFit(report: WorkerReport | undefined): boolean {
  return report === undefined || isHealthy(report.checks);
}
