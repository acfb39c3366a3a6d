/** Owns how a run's result looks on a terminal. */
import { workerShares } from '../host/cpu-groups.ts';
import { median } from '../statistics.ts';
import type { RoundReport, RunReport, SideReport } from './run-report.ts';
import { formatTable } from './table.ts';

/** Below this a round was disturbed by something that is no part of it. */
const ELSEWHERE_SHARE_MAX = 0.1;

export function formatReport(report: RunReport): string {
  const { sides, comparison } = report;
  return [
    ...header(report),
    '',
    ...throughputTable(sides),
    '',
    `${sides[0].name} is ${comparison.ratio.toFixed(2)} times ${sides[1].name} ` +
      `(single rounds: ${comparison.lowest.toFixed(2)} to ${comparison.highest.toFixed(2)}).`,
    '',
    ...cpuSection(report),
    '',
    formatVerdicts(report),
  ].join('\n');
}

/** What the checks after the run said of each side. */
export function formatVerdicts(report: RunReport): string {
  return report.sides.map(verdictLine).join('\n');
}

function header({ options, products, linesPerOrder, warmUpSeconds, machine, database }: RunReport): string[] {
  const form = options.hot
    ? `hot product: every order one line of the same product, ${count(options.openHolds)} holds open at the start`
    : `${linesPerOrder} distinct lines an order out of ${count(products)} products`;
  const settings = Object.entries(database.settings).map(([name, value]) => `${name} ${value}`);
  return [
    `Quick measure: closed loop, ${options.concurrency} orders in flight, ${form}`,
    `  ${options.rounds} rounds of ${options.seconds} s each in turn, after ${warmUpSeconds} s of warm-up; ` +
      `${options.workers} workers a side; JWT and Idempotency-Key on every order`,
    `  Node ${machine.node}, ${machine.cores} cores (${machine.cpuModel}), ${machine.memoryGiB} GiB, ${machine.platform}`,
    `  PostgreSQL ${database.version}${database.isEmbedded ? ' (embedded)' : ''}: ${settings.join(', ')}`,
  ];
}

function throughputTable(sides: readonly SideReport[]): string[] {
  const rounds = sides[0]!.rounds.map((_, index) => `round ${index + 1}`);
  const latency = (side: SideReport, of: (round: RoundReport) => number) => median(side.rounds.map(of)).toFixed(1);
  return formatTable(
    ['complete orders/s', ...rounds, 'median', 'p50 ms', 'p95 ms', 'p99 ms'],
    sides.map((side) => [
      side.name,
      ...side.rounds.map((round) => count(round.ordersPerSecond)),
      count(side.ordersPerSecond),
      latency(side, (round) => round.latency.p50Ms),
      latency(side, (round) => round.latency.p95Ms),
      latency(side, (round) => round.latency.p99Ms),
    ]),
  );
}

function cpuSection({ sides, options }: RunReport): string[] {
  if (sides.some((side) => side.rounds.some((round) => round.cpu === undefined))) {
    return ['CPU figures are left out: this system has no /proc.'];
  }
  const workers = Array.from({ length: options.workers }, (_, index) => `worker ${index + 1}`);
  const table = formatTable(
    ['CPU us an order', 'primary', ...workers, 'PostgreSQL', 'load', 'other side', 'elsewhere', 'service + PG'],
    sides.map((side) => cpuRow(side, options.workers)),
  );
  return [...table, '', ...sides.map(sharesLine), ...sides.flatMap(disturbanceLine)];
}

function cpuRow(side: SideReport, workers: number): string[] {
  const row = (of: (round: RoundReport) => number | undefined) => {
    const values = side.rounds.map((round) => microsPerOrder(round, of(round)));
    return values.includes(undefined) ? '-' : count(median(values as number[]));
  };
  return [
    side.name,
    row((round) => round.cpu?.primarySeconds),
    ...Array.from({ length: workers }, (_, index) => row((round) => round.cpu?.workersSeconds[index])),
    row((round) => round.cpu?.postgresSeconds),
    row((round) => round.loadCpuSeconds),
    row((round) => round.cpu?.idleSideSeconds),
    row((round) => round.cpu?.elsewhereSeconds),
    row(serviceSeconds),
  ];
}

function serviceSeconds({ cpu }: RoundReport): number | undefined {
  if (cpu?.postgresSeconds === undefined) return undefined;
  return cpu.primarySeconds + cpu.postgresSeconds + cpu.workersSeconds.reduce((sum, seconds) => sum + seconds, 0);
}

function microsPerOrder(round: RoundReport, seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : (seconds / round.orders) * 1e6;
}

function sharesLine(side: SideReport): string {
  const lowest = Math.min(...side.rounds.flatMap((round) => workerShares(round.cpu!)));
  const last = workerShares(side.rounds.at(-1)!.cpu!).map(percent).join(', ');
  return `${side.name}: the workers' shares of their CPU were ${last} in the last round, never below ${percent(lowest)}.`;
}

/** Says so where something else on the machine had a part in a round that matters. */
function disturbanceLine(side: SideReport): string[] {
  const shares = side.rounds.map((round) => {
    const elsewhere = round.cpu?.elsewhereSeconds ?? 0;
    return elsewhere / (elsewhere + (serviceSeconds(round) ?? 0) + round.loadCpuSeconds);
  });
  const worst = Math.max(...shares);
  if (worst <= ELSEWHERE_SHARE_MAX) return [];
  return [
    `${side.name}: other programs used up to ${percent(worst)} of the CPU spent in a round; measure again alone.`,
  ];
}

function verdictLine(side: SideReport): string {
  const { verdict } = side;
  const orders = `${count(side.ordersAnswered)} orders answered as Confirmed and captured`;
  if (verdict.kind === 'clean') return `${side.name}: ${orders}; checked by ${verdict.by}.`;
  if (verdict.kind === 'unchecked') return `${side.name}: ${orders}; NOT CHECKED: ${verdict.reason}.`;
  return `${side.name}: ${orders}, but the check found:\n${verdict.problems.map((problem) => `  ${problem}`).join('\n')}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
