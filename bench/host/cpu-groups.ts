/** Owns the question who used the CPU between two readings of the process table, by groups of processes. */
import { childrenOf, type ProcessTable } from './process-table.ts';

/** The processes that share the machine during a round. */
export interface ProcessRoots {
  /** The primary of the service that is measured; its children are its workers. */
  readonly measured: number;
  /** The primaries of the services that should be idle meanwhile. */
  readonly idle: readonly number[];
  /** PostgreSQL's postmaster; absent where it runs on another machine. */
  readonly postmaster?: number;
}

export interface CpuUse {
  readonly primarySeconds: number;
  /** One for each worker, in the order of their pids. */
  readonly workersSeconds: readonly number[];
  /** Absent where PostgreSQL runs on another machine. */
  readonly postgresSeconds?: number;
  readonly idleSideSeconds: number;
}

/** @throws where the measured service lost or gained a worker in between: then the figure means nothing */
export function cpuUseBetween(before: ProcessTable, after: ProcessTable, roots: ProcessRoots): CpuUse {
  const workers = childrenOf(before, roots.measured).map((worker) => worker.pid);
  const workersAfter = childrenOf(after, roots.measured).map((worker) => worker.pid);
  if (workers.join() !== workersAfter.join() || !after.has(roots.measured)) {
    throw new Error(
      `the service's processes changed within the round (${workers.join()} became ${workersAfter.join()})`,
    );
  }
  const grown = (of: (table: ProcessTable) => number) => of(after) - of(before);
  const { postmaster } = roots;
  return {
    primarySeconds: grown((table) => ownSeconds(table, roots.measured)),
    workersSeconds: workers.map((pid) => grown((table) => familySeconds(table, pid))),
    ...(postmaster === undefined ? {} : { postgresSeconds: grown((table) => familySeconds(table, postmaster)) }),
    idleSideSeconds: roots.idle.reduce((sum, pid) => sum + grown((table) => familySeconds(table, pid)), 0),
  };
}

/** Each worker's part of what all workers used, 0 to 1. */
export function workerShares(use: Pick<CpuUse, 'workersSeconds'>): number[] {
  const total = use.workersSeconds.reduce((sum, seconds) => sum + seconds, 0);
  return use.workersSeconds.map((seconds) => (total === 0 ? 0 : seconds / total));
}

/** Of a process and everything below it, so that a child that ends in between takes nothing away. */
export function familySeconds(table: ProcessTable, pid: number): number {
  const own = ownSeconds(table, pid) + (table.get(pid)?.endedChildrenCpuSeconds ?? 0);
  return childrenOf(table, pid).reduce((sum, child) => sum + familySeconds(table, child.pid), own);
}

function ownSeconds(table: ProcessTable, pid: number): number {
  return table.get(pid)?.cpuSeconds ?? 0;
}
