/** The tables of a report, as text: every form of the report shows the same ones. */
import type { LoadError } from '../load/messages.ts';
import { sum, type LatencySummary } from '../statistics.ts';
import { formatCount, formatMillis } from './format-figures.ts';
import { reasonsForNoFigure, verdictOf } from './headline.ts';
import { measuredPhases, medianOfKnown, throughputPhases, type MeasuredOperation } from './measured-phases.ts';
import type { PhaseCpu, ScenarioReport } from './scenario-report.ts';

export interface ReportTable {
  readonly title: string;
  readonly note?: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** So many columns from the left are words, the others figures. */
  readonly wordColumns: number;
}

/** What was measured; none is empty. */
export function resultTables(report: ScenarioReport): ReportTable[] {
  const tables = [
    sideTable(report),
    operationTable(report),
    errorTable(report),
    shardGapTable(report),
    cpuTable(report),
    verdictTable(report),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

/** What it was measured on and with; none is empty. */
export function environmentTables({ machine, database, settings }: ScenarioReport): ReportTable[] {
  const tables = [
    factTable('Machine', {
      Node: machine.node,
      platform: machine.platform,
      cores: `${machine.cores} (${machine.cpuModel})`,
      memory: `${machine.memoryGiB} GiB`,
    }),
    factTable('PostgreSQL', {
      version: `${database.version}${database.isEmbedded ? ' (embedded)' : ''}`,
      ...database.settings,
    }),
    factTable('Scenario settings', settings),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

function sideTable(report: ScenarioReport): ReportTable {
  const isSpoiled = reasonsForNoFigure(report).length > 0;
  const rounds = Math.max(0, ...report.sides.map((side) => side.rounds.length));
  return {
    title: 'Complete orders a second',
    note: isSpoiled
      ? 'Shown to find out what went wrong: in this run no figure counts.'
      : 'By round, and their median.',
    wordColumns: 2,
    header: ['side', 'phase', 'offered', ...numbered('round', rounds), 'median', 'lines/s', 'dropped'],
    rows: report.sides.flatMap((side) =>
      throughputPhases(side).map(({ name, rounds: ofPhase }) => {
        const medianPerSecond = medianOfKnown(ofPhase.map(({ ordersPerSecond }) => ordersPerSecond));
        return [
          side.name,
          name,
          formatCount(medianOfKnown(ofPhase.map(({ offeredPerSecond }) => offeredPerSecond))),
          ...numbered('round', rounds).map((_, round) => formatCount(ofPhase[round]?.ordersPerSecond)),
          isSpoiled || side.verdict.kind !== 'clean' ? 'no figure' : formatCount(medianPerSecond),
          formatCount(medianOfKnown(ofPhase.map(({ linesPerSecond }) => linesPerSecond))),
          formatCount(sum(ofPhase.map(({ dropped }) => dropped))),
        ];
      }),
    ),
  };
}

function operationTable(report: ScenarioReport): ReportTable {
  return {
    title: 'Operations',
    note: 'Counts of all rounds together. Milliseconds: the median of the rounds; max the highest of them.',
    wordColumns: 3,
    header: ['side', 'phase', 'operation', 'answered', 'refused', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    rows: ofEachOperation(report, ({ name, rounds }) => {
      const latencies = rounds.flatMap(({ latency }) => latency ?? []);
      const maxMs = latencies.length === 0 ? undefined : Math.max(...latencies.map((latency) => latency.maxMs));
      return [
        [
          name,
          formatCount(sum(rounds.map(({ answered }) => answered))),
          formatCount(sum(rounds.map(({ refused }) => refused))),
          formatCount(sum(rounds.flatMap(({ errors }) => errors.map(({ count }) => count)))),
          formatMillis(medianOfKnown(latencies.map(({ p50Ms }) => p50Ms))),
          formatMillis(medianOfKnown(latencies.map(({ p95Ms }) => p95Ms))),
          formatMillis(medianOfKnown(latencies.map(({ p99Ms }) => p99Ms))),
          formatMillis(maxMs),
        ],
      ];
    }),
  };
}

function errorTable(report: ScenarioReport): ReportTable {
  return {
    title: 'Errors',
    wordColumns: 4,
    header: ['side', 'phase', 'operation', 'message', 'count'],
    rows: ofEachOperation(report, ({ name, rounds }) => {
      const counts = new Map<string, number>();
      for (const { message, count } of rounds.flatMap(({ errors }) => errors)) {
        counts.set(message, (counts.get(message) ?? 0) + count);
      }
      return [...counts].map(([message, count]) => [name, message, formatCount(count)]);
    }),
  };
}

function shardGapTable({ sides }: ScenarioReport): ReportTable {
  const rounds = sides.flatMap((side) => side.rounds.map((round) => ({ side: side.name, gaps: round.shardGaps })));
  return {
    title: 'Longest gaps of shards',
    note: 'Between two answers to writes from outside; the longest of each shard after each kill, and before the first.',
    wordColumns: 2,
    header: ['side', 'time', 'shards', 'kills', 'answered', 'failed', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
    rows: rounds.flatMap(({ side, gaps }) => {
      if (gaps === undefined) return [];
      const { shards, disturbances, answered, failures, quiet, disturbed } = gaps;
      const figures = ({ p50Ms, p95Ms, p99Ms, maxMs }: LatencySummary): string[] =>
        [p50Ms, p95Ms, p99Ms, maxMs].map(formatMillis);
      const failed = formatCount(sum(failures.map(({ count }) => count)));
      const all = [formatCount(answered), failures.length === 0 ? failed : `${failed}: ${messagesOf(failures)}`];
      return [
        [side, 'before', formatCount(shards), '0', '-', '-', ...figures(quiet)],
        [side, 'after a kill', formatCount(shards), formatCount(disturbances), ...all, ...figures(disturbed)],
      ];
    }),
  };
}

function messagesOf(failures: readonly LoadError[]): string {
  return failures.map(({ message, count }) => `${formatCount(count)} ${message}`).join(', ');
}

function cpuTable(report: ScenarioReport): ReportTable {
  const all = report.sides.flatMap((side) => side.rounds.flatMap(({ phases }) => phases));
  const workers = Math.max(0, ...all.map(({ cpu }) => cpu?.workers.length ?? 0));
  const isKnown = all.some(({ cpu }) => cpu !== undefined);
  const hasBroker = all.some(({ cpu }) => cpu?.broker !== undefined);
  const parts: ((cpu: PhaseCpu) => number | undefined)[] = [
    ({ primary }) => primary,
    ...numbered('worker', workers).map((_, index) => (cpu: PhaseCpu) => cpu.workers[index]),
    ({ postgres }) => postgres,
    ...(hasBroker ? [({ broker }: PhaseCpu) => broker] : []),
    ({ load }) => load,
    ({ primary, workers, postgres }) => (postgres === undefined ? undefined : primary + sum(workers) + postgres),
  ];
  return {
    title: 'CPU an order',
    note: 'Microseconds, the median of the rounds.',
    wordColumns: 2,
    header: [
      'side',
      'phase',
      'primary',
      ...numbered('worker', workers),
      'PostgreSQL',
      ...(hasBroker ? ['RabbitMQ'] : []),
      'load',
      'service + PostgreSQL',
    ],
    rows: (isKnown ? report.sides : []).flatMap((side) =>
      measuredPhases(side).map(({ name, rounds }) => [
        side.name,
        name,
        ...parts.map((part) => formatCount(medianOfKnown(rounds.map(({ cpu }) => cpu && part(cpu))))),
      ]),
    ),
  };
}

function verdictTable({ sides }: ScenarioReport): ReportTable {
  return {
    title: 'Checks after the run',
    wordColumns: 1,
    header: ['verdict'],
    rows: sides.map((side) => [verdictOf(side)]),
  };
}

function factTable(title: string, facts: Readonly<Record<string, string | number | boolean>>): ReportTable {
  return {
    title,
    wordColumns: 2,
    header: ['setting', 'value'],
    rows: Object.entries(facts).map(([name, value]) => [name, String(value)]),
  };
}

function ofEachOperation({ sides }: ScenarioReport, rows: (operation: MeasuredOperation) => string[][]): string[][] {
  return sides.flatMap((side) =>
    measuredPhases(side).flatMap(({ name, operations }) =>
      operations.flatMap((operation) => rows(operation).map((cells) => [side.name, name, ...cells])),
    ),
  );
}

function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${word} ${index + 1}`);
}
