/** Finds a node's processes by its DATA_DIR in their environment, also without their parent. */
import { readFileSync } from 'node:fs';
import { readProcessTable } from '../../bench/host/process-table.ts';

/** All living processes that were started with this DATA_DIR. */
export function processesWithDataDir(dataDir: string): number[] {
  return [...(readProcessTable()?.keys() ?? [])].filter((pid) => environmentOf(pid).includes(`DATA_DIR=${dataDir}`));
}

/** To a process that may be gone already. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // It ended meanwhile, or belongs to another user.
    return [];
  }
}
