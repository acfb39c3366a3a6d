/**
 * Samples the processes of a run: their CPU and memory. Processes come and go within a run (a worker is killed, another
 * takes its place), so each sample finds them anew.
 */
import { readFileSync } from 'node:fs';
import { machineBusySeconds } from './machine.ts';
import { childrenOf, familySeconds, type ProcessTable, readProcessTable } from './process-table.ts';

/** The sampled processes, by their names in reports. */
export interface Watched {
  /** Its children are the workers. Asked at each sample, because a node may be started again. */
  readonly primaryPid: () => number;
  /** Absent where PostgreSQL runs on another machine. */
  readonly postmasterPid?: number;
  /** Absent where there is no broker, or its process is unknown. */
  readonly brokerPid?: number;
  readonly loadPid: number;
}

export interface Reading {
  readonly atMs: number;
  /** CPU seconds since each process's start. */
  readonly seconds: ReadonlyMap<string, number>;
  readonly rssMiB: ReadonlyMap<string, number>;
  /** Of the whole machine, on anything. */
  readonly machineSeconds: number;
}

const PAGE_MIB = 4096 / 2 ** 20;

/** Undefined where the system has no /proc. */
export function read(watched: Watched): Reading | undefined {
  const table = readProcessTable();
  if (table === undefined) return undefined;
  const seconds = new Map<string, number>();
  const rssMiB = new Map<string, number>();
  const add = (name: string, pid: number, usedSeconds: number): void => {
    seconds.set(name, usedSeconds);
    rssMiB.set(name, residentMiB(pid));
  };
  const primary = watched.primaryPid();
  add('primary', primary, table.get(primary)?.cpuSeconds ?? 0);
  childrenOf(table, primary).forEach(({ pid }, index) => add(`worker ${index + 1}`, pid, familySeconds(table, pid)));
  add('load', watched.loadPid, familySeconds(table, watched.loadPid));
  const servers = { PostgreSQL: watched.postmasterPid, RabbitMQ: watched.brokerPid };
  for (const [name, pid] of Object.entries(servers)) {
    if (pid === undefined) continue;
    seconds.set(name, familySeconds(table, pid));
    rssMiB.set(name, familyMiB(table, pid));
  }
  return { atMs: performance.now(), seconds, rssMiB, machineSeconds: machineBusySeconds() };
}

/** Cores that each process kept busy between two readings, and all others together: `elsewhere`. */
export function coresBetween(before: Reading, after: Reading): Record<string, number> {
  const elapsed = (after.atMs - before.atMs) / 1_000;
  const seconds = used(before, after);
  const known = [...seconds.values()].reduce((sum, each) => sum + each, 0);
  // The two are not read at the same instant, so a quiet machine may come out just below zero.
  const elsewhere = Math.max(0, after.machineSeconds - before.machineSeconds - known);
  return Object.fromEntries(
    [...seconds, ['elsewhere', elsewhere] as const].map(([name, each]) => [name, each / elapsed]),
  );
}

/** CPU seconds that each process used between two readings; all of them for one that took another's name. */
export function used(before: Reading, after: Reading): Map<string, number> {
  return new Map(
    [...after.seconds].map(([name, seconds]) => {
      const earlier = before.seconds.get(name) ?? 0;
      return [name, seconds >= earlier ? seconds - earlier : seconds];
    }),
  );
}

/** Shared memory counts once a process: an upper bound for PostgreSQL. */
function familyMiB(table: ProcessTable, pid: number): number {
  return childrenOf(table, pid).reduce((sum, child) => sum + familyMiB(table, child.pid), residentMiB(pid));
}

function residentMiB(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_MIB;
  } catch {
    return 0; // it ended between the listing and the reading
  }
}
