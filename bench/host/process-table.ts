/** Reads Linux's /proc: the processes, their parents, and the CPU that each has used. */
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
  /** Its own, user and system. */
  readonly cpuSeconds: number;
  /** That of its children which ended and were waited for. */
  readonly endedChildrenCpuSeconds: number;
}

export type ProcessTable = ReadonlyMap<number, ProcessEntry>;

/** USER_HZ: /proc counts 100 a second on every Linux that Node runs on, independent of the kernel's tick. */
const CLOCK_TICKS_PER_SECOND = 100;

/** Undefined where the system has no /proc. */
export function readProcessTable(): ProcessTable | undefined {
  if (process.platform !== 'linux') return undefined;
  const table = new Map<number, ProcessEntry>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readEntry(name);
    if (entry !== undefined) table.set(entry.pid, entry);
  }
  return table;
}

/**
 * Reads a line of /proc/<pid>/stat (proc(5)); undefined where it is none.
 *
 * The command stands in parentheses and may itself contain spaces and parentheses.
 */
export function parseStat(line: string): ProcessEntry | undefined {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const [, parentPid, ...rest] = line.slice(close + 2).split(' ');
  const [userTicks, systemTicks, childrenUserTicks, childrenSystemTicks] = rest.slice(9, 13).map(Number);
  const entry = {
    pid: Number.parseInt(line, 10),
    parentPid: Number(parentPid),
    command: line.slice(open + 1, close),
    cpuSeconds: seconds(userTicks, systemTicks),
    endedChildrenCpuSeconds: seconds(childrenUserTicks, childrenSystemTicks),
  };
  return Object.values(entry).some(Number.isNaN) ? undefined : entry;
}

export function childrenOf(table: ProcessTable, parentPid: number): ProcessEntry[] {
  return [...table.values()].filter((entry) => entry.parentPid === parentPid).sort((a, b) => a.pid - b.pid);
}

/** Of a process and all below it, so that the time of a child that ends in between still counts. */
export function familySeconds(table: ProcessTable, pid: number): number {
  const own = (table.get(pid)?.cpuSeconds ?? 0) + (table.get(pid)?.endedChildrenCpuSeconds ?? 0);
  return childrenOf(table, pid).reduce((sum, child) => sum + familySeconds(table, child.pid), own);
}

function seconds(userTicks = NaN, systemTicks = NaN): number {
  return (userTicks + systemTicks) / CLOCK_TICKS_PER_SECOND;
}

function readEntry(pid: string): ProcessEntry | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
