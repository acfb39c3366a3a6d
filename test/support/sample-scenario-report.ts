/** Owns a report for tests: two sides, two rounds, made of numbers that are the same each time. */
import * as hdr from 'hdr-histogram-js';
import type {
  OperationResult,
  PhaseResult,
  RoundResult,
  ScenarioReport,
  SecondSample,
  SideResult,
} from '../../bench/report/scenario-report.ts';
import { percentile } from '../../bench/statistics.ts';

export interface SampleShape {
  readonly warmUpSeconds?: number;
  readonly seconds?: number;
  readonly rounds?: number;
}

export function sampleScenarioReport(changes: Partial<ScenarioReport> = {}, shape: SampleShape = {}): ScenarioReport {
  return {
    scenario: 'steady',
    about: 'Orders of two lines, 256 in flight: what a node carries.',
    startedAt: '2026-02-03T04:05:06.000Z',
    settings: { products: 1000, 'lines an order': 2, rounds: 2, relay: false },
    machine: { node: 'v20.19.0', platform: 'linux 6.1 x64', cores: 2, cpuModel: 'Sample CPU', memoryGiB: 4 },
    database: { version: '18.4', isEmbedded: true, settings: { fsync: 'on', synchronous_commit: 'on' } },
    sides: [sampleSide({}, 1500, shape), sampleSide({ name: 'plain SQL', id: 'plain_sql' }, 1000, shape)],
    comparisons: [{ peer: 'plain SQL', ratio: { ratio: 1.5, lowest: 1.4, highest: 1.6 } }],
    invalid: [],
    ...changes,
  };
}

/** Its rounds are `perSecond`, then 10 more, and so on. */
export function sampleSide(
  changes: Partial<SideResult> = {},
  perSecond = 1500,
  { warmUpSeconds = 2, seconds = 4, rounds = 2 }: SampleShape = {},
): SideResult {
  const isHoldfast = (changes.id ?? 'holdfast') === 'holdfast';
  return {
    name: 'Holdfast',
    id: 'holdfast',
    verdict: { kind: 'clean', by: 'the audit' },
    verifiedOrdersPerSecond: perSecond + 5 * (rounds - 1),
    rounds: Array.from({ length: rounds }, (_, round): RoundResult => {
      const rate = perSecond + 10 * round;
      return {
        phases: [
          samplePhase({ name: 'warm-up', measured: false, from: 0, seconds: warmUpSeconds }, rate),
          samplePhase({ from: warmUpSeconds, seconds }, rate),
        ],
        series: Array.from({ length: warmUpSeconds + seconds }, (_, index) =>
          sampleSecond(index + 1, rate, isHoldfast),
        ),
        marks: isHoldfast ? [{ at: warmUpSeconds + 0.5, text: 'a worker is killed' }] : [],
      };
    }),
    ...changes,
  };
}

export function samplePhase(changes: Partial<PhaseResult> = {}, perSecond = 1500): PhaseResult {
  const seconds = changes.seconds ?? 4;
  return {
    name: 'measured',
    measured: true,
    from: 0,
    seconds,
    dropped: 0,
    orders: perSecond * seconds,
    ordersPerSecond: perSecond,
    linesPerSecond: 2 * perSecond,
    operations: [sampleOperation({ name: 'place until confirmed' }), sampleOperation({ name: 'read' }, 0.2)],
    cpu: { primary: 10, workers: [400, 380], postgres: 500, load: 120 },
    ...changes,
  };
}

/** A thousand latencies, `scaleMs` to a thousand times as much. */
export function sampleOperation(changes: Partial<OperationResult> = {}, scaleMs = 1): OperationResult {
  const latenciesMs = Array.from({ length: 1000 }, (_, index) => (scaleMs * 1000) / (1000 - index));
  const histogram = hdr.build({ useWebAssembly: false });
  for (const latencyMs of latenciesMs) histogram.recordValue(Math.round(latencyMs * 1000));
  const at = (percent: number) => percentile(latenciesMs, percent);
  return {
    name: 'place',
    answered: latenciesMs.length,
    refused: 0,
    errors: [],
    latency: { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), maxMs: at(100) },
    hdr: hdr.encodeIntoCompressedBase64(histogram),
    ...changes,
  };
}

function sampleSecond(at: number, perSecond: number, isHoldfast: boolean): SecondSample {
  const wave = 1 + 0.1 * Math.sin(at);
  return {
    at,
    answered: Math.round(perSecond * wave),
    refused: at % 3,
    errors: 0,
    p50: 8 * wave,
    p99: 40 * wave,
    max: 90 * wave,
    cpu: { primary: 0.02, 'worker 1': 0.6 * wave, 'worker 2': 0.58 * wave, PostgreSQL: 0.7 * wave, load: 0.2 },
    rss: { primary: 80, 'worker 1': 150 + at, 'worker 2': 148 + at, PostgreSQL: 300 + at, load: 120 },
    ...(isHoldfast && {
      node: {
        commitsPerSecond: 40 * wave,
        batchRows: 150 / wave,
        mailboxDepth: Math.round(200 * wave),
        eventLoopDelayMs: 12 * wave,
        httpInFlight: 256,
        projectionLagMs: 30 * wave,
      },
    }),
  };
}
