/** Owns one round: one side under load, the other idle, and who used the CPU meanwhile. */
import { cpuUseBetween, type ProcessRoots } from './host/cpu-groups.ts';
import { machineBusySeconds } from './host/machine.ts';
import { type ProcessTable, readProcessTable } from './host/process-table.ts';
import type { LoadProcess } from './load/load-process.ts';
import type { LoadJob, LoadResult } from './load/messages.ts';
import type { RoundCpu, RoundReport } from './report/run-report.ts';
import { summarizeLatencies } from './statistics.ts';

export interface MeasuredRound {
  readonly report: RoundReport;
  /** Warm-up included. */
  readonly ordersAnswered: number;
}

interface CpuReading {
  readonly table: ProcessTable | undefined;
  readonly machineSeconds: number;
}

/** @throws OrdersFailed where a single order was not answered as promised */
export async function measureRound(
  load: LoadProcess,
  job: LoadJob,
  roots: ProcessRoots,
  onProgress: (orders: number) => void,
): Promise<MeasuredRound> {
  let opened: CpuReading | undefined;
  let closed: CpuReading | undefined;
  const result = await load.run(job, {
    windowOpened: () => (opened = readCpu()),
    windowClosed: () => (closed = readCpu()),
    progress: onProgress,
  });
  refuseErrors(result);
  const { orders, seconds, latenciesUs, loadCpuSeconds } = result.window;
  const cpu = opened && closed && cpuBetween(opened, closed, roots, loadCpuSeconds);
  return {
    ordersAnswered: result.orders,
    report: {
      orders,
      seconds,
      ordersPerSecond: orders / seconds,
      latency: summarizeLatencies(latenciesUs),
      loadCpuSeconds,
      ...(cpu === undefined ? {} : { cpu }),
    },
  };
}

/** Orders that were not answered as promised: the run has no figure. */
export class OrdersFailed extends Error {
  override readonly name = 'OrdersFailed';
}

/** @throws OrdersFailed saying how many failed and why */
export function refuseErrors(result: LoadResult): void {
  const failed = result.errors.reduce((sum, { count }) => sum + count, 0);
  if (failed > 0) {
    const reasons = result.errors.map(({ message, count }) => `  ${count} x ${message}`).join('\n');
    throw new OrdersFailed(`${failed} orders failed, ${result.orders} were complete:\n${reasons}`);
  }
  if (result.window.orders === 0) throw new OrdersFailed('not one order was complete within the measured time');
}

function readCpu(): CpuReading {
  return { table: readProcessTable(), machineSeconds: machineBusySeconds() };
}

function cpuBetween(
  opened: CpuReading,
  closed: CpuReading,
  roots: ProcessRoots,
  loadCpuSeconds: number,
): RoundCpu | undefined {
  if (opened.table === undefined || closed.table === undefined) return undefined;
  const use = cpuUseBetween(opened.table, closed.table, roots);
  if (use.postgresSeconds === undefined) return use;
  const workersSeconds = use.workersSeconds.reduce((sum, seconds) => sum + seconds, 0);
  const known = use.primarySeconds + workersSeconds + use.postgresSeconds + use.idleSideSeconds + loadCpuSeconds;
  // The two readings are not of the same instant, so a quiet machine can come out just below zero.
  return { ...use, elsewhereSeconds: Math.max(0, closed.machineSeconds - opened.machineSeconds - known) };
}
