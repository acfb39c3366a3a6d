/**
 * The time series as CSV (RFC 4180, lines ending in LF): a row for each second of each round of each side. The columns
 * depend only on the measured processes; an unmeasured value is an empty cell.
 */
import { phaseOfSecond } from './phase-of-second.ts';
import { processNames } from './process-order.ts';
import type { NodeSample, RoundResult, ScenarioReport, SecondSample, SideResult } from './scenario-report.ts';

type Cell = string | number | boolean | undefined;

interface Row {
  readonly side: SideResult;
  readonly round: number;
  readonly of: RoundResult;
  readonly sample: SecondSample;
}

const SAMPLE_COLUMNS: readonly (readonly [name: string, cell: (row: Row) => Cell])[] = [
  ['side', ({ side }) => side.id],
  ['round', ({ round }) => round],
  ['second', ({ sample }) => sample.at],
  ['phase', ({ of, sample }) => phaseOfSecond(of, sample.at)?.name],
  ['measured', ({ of, sample }) => phaseOfSecond(of, sample.at)?.measured],
  ['answered', ({ sample }) => sample.answered],
  ['refused', ({ sample }) => sample.refused],
  ['errors', ({ sample }) => sample.errors],
  ['p50_ms', ({ sample }) => sample.p50],
  ['p99_ms', ({ sample }) => sample.p99],
  ['max_ms', ({ sample }) => sample.max],
  ...nodeColumns({
    commits_per_second: 'commitsPerSecond',
    batch_rows: 'batchRows',
    mailbox_depth: 'mailboxDepth',
    event_loop_delay_ms: 'eventLoopDelayMs',
    http_in_flight: 'httpInFlight',
    projection_lag_ms: 'projectionLagMs',
  }),
  ['marks', marksOf],
];

export function csvReport({ sides }: ScenarioReport): string {
  const rows = sides.flatMap((side) =>
    side.rounds.flatMap((of, index) => of.series.map((sample): Row => ({ side, round: index + 1, of, sample }))),
  );
  const columns = [
    ...SAMPLE_COLUMNS,
    ...processColumns(rows, 'cpu', 'cpu_cores'),
    ...processColumns(rows, 'rss', 'rss_mib'),
  ];
  const lines = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  return lines.map((cells) => `${cells.map(quoted).join(',')}\n`).join('');
}

function nodeColumns(fields: Readonly<Record<string, keyof NodeSample>>): [string, (row: Row) => Cell][] {
  return Object.entries(fields).map(([name, field]) => [name, ({ sample }) => sample.node?.[field]]);
}

function processColumns(rows: readonly Row[], field: 'cpu' | 'rss', unit: string): [string, (row: Row) => Cell][] {
  return processNames(rows.map(({ sample }) => sample[field])).map((name) => [
    `${unit} ${name}`,
    ({ sample }) => sample[field][name],
  ]);
}

/** In the second that they fall into; what came after the last one stands in it, too. */
function marksOf({ of: { marks, series }, sample }: Row): string {
  return marks
    .filter(({ at }) => (series.find((second) => second.at >= at) ?? series.at(-1)) === sample)
    .map(({ text }) => text)
    .join('; ');
}

function quoted(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
