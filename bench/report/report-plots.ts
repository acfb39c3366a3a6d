/**
 * The data of a report's plots: numbers ready to be drawn, with their labels. The page's script only draws, so every
 * decision about a plot is made here.
 */
import * as hdr from 'hdr-histogram-js';
import { measuredPhases } from './measured-phases.ts';
import { phaseOfSecond } from './phase-of-second.ts';
import { processNames } from './process-order.ts';
import type { NodeSample, RoundResult, ScenarioReport, SecondSample, SideResult } from './scenario-report.ts';

export interface RoundPlots {
  readonly name: string;
  readonly phases: readonly {
    readonly name: string;
    readonly from: number;
    readonly to: number;
    readonly isWarmUp: boolean;
  }[];
  readonly marks: RoundResult['marks'];
  readonly plots: readonly Plot[];
}

export interface Plot {
  readonly title: string;
  readonly x: 'seconds' | 'percentiles';
  readonly scale: 'linear' | 'logarithmic';
  readonly xValues: readonly number[];
  readonly lines: readonly PlotLine[];
}

export interface PlotLine {
  readonly label: string;
  /** One for each of `xValues`; null where there is none. */
  readonly values: readonly (number | null)[];
  /** The target, drawn for comparison. */
  readonly isReference?: boolean;
}

/** Where a percentile stands on an axis that gives each further nine as much room as the one before. */
export function percentilePosition(percent: number): number {
  return -Math.log10(1 - percent / 100);
}

const NINES_MAX = 4;
const POSITIONS_A_NINE = 20;
/** Digits beyond are noise, and would be most of the page. */
const DIGITS = 5;

/** Of each side and round, those without any data left out. */
export function reportPlots({ sides }: ScenarioReport): RoundPlots[] {
  return sides.flatMap((side) => side.rounds.map((round, index) => roundPlots(side, round, index)));
}

function roundPlots(side: SideResult, round: RoundResult, index: number): RoundPlots {
  const plots = [percentilePlot(side, round), ...timePlots(round)];
  return {
    name: `${side.name}, round ${index + 1}`,
    phases: round.phases.map(({ name, from, seconds, measured }) => ({
      ...{ name, from, to: from + seconds, isWarmUp: !measured },
    })),
    marks: round.marks,
    plots: plots.filter(({ lines }) => lines.some(({ values }) => values.some((value) => value !== null))),
  };
}

function percentilePlot(side: SideResult, round: RoundResult): Plot {
  const first = Math.ceil(percentilePosition(50) * POSITIONS_A_NINE);
  const positions = [percentilePosition(50)];
  for (let step = first; step <= NINES_MAX * POSITIONS_A_NINE; step++) positions.push(step / POSITIONS_A_NINE);
  const phases = measuredPhases({ ...side, rounds: [round] });
  const operations = new Set(phases.flatMap((phase) => phase.operations.map(({ name }) => name)));
  const labelOf = (phase: string, operation: string): string => {
    if (phases.length === 1) return operation;
    return operations.size === 1 ? phase : `${phase}: ${operation}`;
  };
  return {
    title:
      operations.size === 1 ? `Latency by percentile: ${[...operations].join()} (ms)` : 'Latency by percentile (ms)',
    x: 'percentiles',
    scale: 'logarithmic',
    xValues: positions.map(rounded),
    lines: phases.flatMap((phase) =>
      phase.operations.map(({ name, rounds }) => ({
        label: labelOf(phase.name, name),
        values: latenciesAt(positions, rounds[0]!.hdr),
      })),
    ),
  };
}

/** Nothing beyond the percentile that a single one of so many values decides. */
function latenciesAt(positions: readonly number[], encoded: string): (number | null)[] {
  const histogram = hdr.decodeFromCompressedBase64(encoded);
  return positions.map((position) =>
    10 ** position > histogram.totalCount
      ? null
      : rounded(histogram.getValueAtPercentile(100 * (1 - 10 ** -position)) / 1000),
  );
}

/** A run's last sample is of a broken second, which would show as a dip or a peak. */
const SAMPLE_SECONDS_MIN = 0.5;

interface LongSample extends SecondSample {
  /** What it counted, a second. */
  readonly rate: (count: number) => number;
}

function longSamples(series: readonly SecondSample[]): LongSample[] {
  return series.flatMap((sample, index) => {
    const seconds = sample.at - (series[index - 1]?.at ?? 0);
    return seconds < SAMPLE_SECONDS_MIN ? [] : [{ ...sample, rate: (count: number) => count / seconds }];
  });
}

function timePlots(round: RoundResult): Plot[] {
  const series = longSamples(round.series);
  const line = (label: string, of: (sample: LongSample) => number | undefined): PlotLine => ({
    label,
    values: series.map((sample) => {
      const value = of(sample);
      return value === undefined ? null : rounded(value);
    }),
  });
  const nodeLine = (label: string, field: keyof NodeSample) => line(label, ({ node }) => node?.[field]);
  const processLines = (field: 'cpu' | 'rss') =>
    processNames(series.map((sample) => sample[field])).map((name) => line(name, (sample) => sample[field][name]));
  const plot = (title: string, lines: readonly PlotLine[], scale: Plot['scale'] = 'linear'): Plot => ({
    ...{ title, x: 'seconds', scale, lines },
    xValues: series.map(({ at }) => rounded(at)),
  });
  const offered = line('offered', ({ at }) => phaseOfSecond(round, at)?.offeredPerSecond);
  return [
    plot(
      'Latency (ms)',
      [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('max', ({ max }) => max)],
      'logarithmic',
    ),
    plot('Answers a second', [
      line('answered', ({ answered, rate }) => rate(answered)),
      line('refused', ({ refused, rate }) => rate(refused)),
      line('errors', ({ errors, rate }) => rate(errors)),
      ...(offered.values.some((value) => value !== null) ? [{ ...offered, isReference: true }] : []),
    ]),
    plot('CPU (cores)', processLines('cpu')),
    plot('Memory, RSS (MiB)', processLines('rss')),
    plot('Commits a second', [nodeLine('commits', 'commitsPerSecond')]),
    plot('Rows a commit', [nodeLine('rows', 'batchRows')]),
    plot('Waiting: in mailboxes, in HTTP', [nodeLine('mailboxes', 'mailboxDepth'), nodeLine('HTTP', 'httpInFlight')]),
    plot('Event-loop delay of the slowest worker (ms)', [nodeLine('delay', 'eventLoopDelayMs')]),
    plot('Projection lag (ms)', [nodeLine('lag', 'projectionLagMs')]),
  ];
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
