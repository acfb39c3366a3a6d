/** The pause between rounds: the afterwork of one side must not load the other's round. */
import { setTimeout as sleep } from 'node:timers/promises';
import { familySeconds, readProcessTable } from './process-table.ts';

const INTERVAL_MS = 500;
/** A twentieth of a core: idle services and a settled PostgreSQL stay below it. */
const QUIET_CPU_SHARE = 0.05;
/** A long vacuum must not stop a run. */
const TIMEOUT_MS = 15_000;
/** Where there are no CPU figures. */
const BLIND_PAUSE_MS = 2000;

/** Waits until the processes below `pids` use next to no CPU, at most for a set time. */
export async function waitUntilQuiet(pids: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + TIMEOUT_MS;
  let before = usedSeconds(pids);
  if (before === undefined) return void (await sleep(BLIND_PAUSE_MS));
  while (performance.now() < deadlineMs) {
    await sleep(INTERVAL_MS);
    const after: number = usedSeconds(pids) ?? before;
    if (after - before < (QUIET_CPU_SHARE * INTERVAL_MS) / 1000) return;
    before = after;
  }
}

function usedSeconds(pids: readonly number[]): number | undefined {
  const table = readProcessTable();
  return table && pids.reduce((sum, pid) => sum + familySeconds(table, pid), 0);
}
