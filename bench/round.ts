/** One round: one side under the load of a scenario, with its disturbances and the samples of each second. */
import * as hdr from 'hdr-histogram-js';
import { coresBetween, read, used, type Reading, type Watched } from './host/sampler.ts';
import { childrenOf, readProcessTable } from './host/process-table.ts';
import type { LoadProcess } from './load/load-process.ts';
import type { LoadJob, LoadSecond, OperationCounts, PhaseCounts } from './load/messages.ts';
import { shardGaps } from './load/shard-gaps.ts';
import { ShardProbes } from './load/shard-probes.ts';
import type {
  NodeSample,
  OperationResult,
  PhaseCpu,
  PhaseResult,
  RoundResult,
  SecondSample,
} from './report/scenario-report.ts';
import type { Disturbance, Phase, Scenario } from './scenarios/scenario.ts';
import { percentile, type LatencySummary } from './statistics.ts';
import { NodeMetrics } from './targets/node-metrics.ts';
import type { RunningTarget } from './targets/running-target.ts';

export interface RoundDeps {
  readonly load: LoadProcess;
  readonly job: LoadJob;
  readonly scenario: Scenario;
  readonly running: RunningTarget;
  readonly postmasterPid?: number;
  readonly brokerPid?: number;
  /** Starts the service again after all of it was killed; resolves once it is ready. */
  readonly restart: () => Promise<RunningTarget>;
  readonly onProgress: (text: string) => void;
}

export async function measureRound(deps: RoundDeps): Promise<RoundResult> {
  const { load, job, scenario, postmasterPid, brokerPid } = deps;
  let { running } = deps;
  const watched: Watched = {
    primaryPid: () => running.primaryPid,
    loadPid: load.pid,
    ...(postmasterPid !== undefined && { postmasterPid }),
    ...(brokerPid !== undefined && { brokerPid }),
  };
  const metrics = running.target.hasMetrics === true ? new NodeMetrics(running.place.adminPort) : undefined;
  const beganAtMs = performance.now();
  const startedUs = Number(process.hrtime.bigint() / 1_000n);
  const since = (): number => (performance.now() - beganAtMs) / 1_000;
  const marks: { at: number; text: string }[] = [];
  /** One at each phase's begin, and one at the end of the last. */
  const boundaries: { readonly at: number; readonly reading: Reading | undefined }[] = [];
  const samples: Promise<SecondSample>[] = [];
  let before = read(watched);

  const disturbedAtMs: number[] = [];
  const disturb = async ({ what }: Disturbance): Promise<void> => {
    const killedAt = since();
    const table = readProcessTable() ?? new Map();
    const workers = childrenOf(table, running.primaryPid).map(({ pid }) => pid);
    const victims = what === 'kill-worker' ? workers.slice(0, 1) : [running.primaryPid, ...workers];
    if (victims.length === 0) return void marks.push({ at: killedAt, text: 'there was no worker to kill' });
    disturbedAtMs.push(performance.now());
    marks.push({ at: killedAt, text: what === 'kill-worker' ? 'a worker is killed' : 'all processes are killed' });
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    if (what === 'kill-worker') return;
    await running.stop();
    running = await deps.restart();
    marks.push({ at: since(), text: `ready again after ${(since() - killedAt).toFixed(1)} s` });
  };
  const disturbing: Promise<void>[] = [];
  const timers = (scenario.disturbances ?? []).map((disturbance) =>
    setTimeout(() => disturbing.push(disturb(disturbance)), disturbance.atSeconds * 1_000),
  );

  const { port } = running.place;
  const probes = scenario.probes && new ShardProbes({ port, adminToken: job.adminToken, ...scenario.probes });

  try {
    probes?.start();
    const counts = await load.run(job, {
      phase: (index) => {
        boundaries.push({ at: since(), reading: read(watched) });
        const phase = scenario.phases[index];
        if (phase) deps.onProgress(phase.name);
      },
      second: (second) => {
        const after = read(watched);
        samples.push(sampleOf(second, before, after, metrics?.sample()));
        before = after;
        const phase = scenario.phases[boundaries.length - 1]?.name ?? 'the last answers';
        deps.onProgress(`${phase}: ${second.answered} answered, ${second.refused} refused, ${second.errors} failed`);
      },
    });
    await Promise.all(disturbing);
    const probed = probes?.stop();
    const phases = scenario.phases.map((phase, index) =>
      phaseOf(phase, counts[index]!, scenario.form.linesPerOrder, boundaries[index]!, boundaries[index + 1]!),
    );
    const series = await Promise.all(samples);
    return { startedUs, phases, series, marks, ...(probed && { shardGaps: shardGaps(probed, disturbedAtMs) }) };
  } finally {
    probes?.stop();
    for (const timer of timers) clearTimeout(timer);
    await Promise.allSettled(disturbing);
  }
}

async function sampleOf(
  { at, answered, refused, errors, latenciesUs }: LoadSecond,
  before: Reading | undefined,
  after: Reading | undefined,
  node: Promise<NodeSample | undefined> | undefined,
): Promise<SecondSample> {
  const sorted = latenciesUs.sort();
  const ms = (percent: number): number => percentile(sorted, percent) / 1_000;
  const metrics = await node;
  return {
    ...{ at, answered, refused, errors },
    ...(sorted.length > 0 && { p50: ms(50), p99: ms(99), max: ms(100) }),
    cpu: before && after ? coresBetween(before, after) : {},
    rss: Object.fromEntries(after?.rssMiB ?? []),
    ...(metrics && { node: metrics }),
  };
}

interface Boundary {
  readonly at: number;
  readonly reading: Reading | undefined;
}

function phaseOf(
  phase: Phase,
  counts: PhaseCounts,
  linesPerOrder: number,
  begin: Boundary,
  end: Boundary,
): PhaseResult {
  const { seconds, dropped, orders } = counts;
  const cpu = cpuOf(counts, begin.reading, end.reading);
  return {
    name: phase.name,
    measured: phase.measured,
    from: begin.at,
    ...(phase.arrivals.kind === 'open' && { offeredPerSecond: phase.arrivals.perSecond }),
    ...{ seconds, dropped, orders },
    ordersPerSecond: orders / seconds,
    linesPerSecond: (orders * linesPerOrder) / seconds,
    operations: counts.operations.map(operationOf),
    ...(cpu && { cpu }),
  };
}

function cpuOf({ orders }: PhaseCounts, begin: Reading | undefined, end: Reading | undefined): PhaseCpu | undefined {
  if (!begin || !end || orders === 0) return undefined;
  const seconds = used(begin, end);
  const micros = (name: string): number => ((seconds.get(name) ?? 0) / orders) * 1e6;
  const workers = [...seconds.keys()].filter((name) => name.startsWith('worker '));
  return {
    primary: micros('primary'),
    workers: workers.map(micros),
    ...(seconds.has('PostgreSQL') && { postgres: micros('PostgreSQL') }),
    ...(seconds.has('RabbitMQ') && { broker: micros('RabbitMQ') }),
    load: micros('load'),
  };
}

function operationOf({ name, answered, refused, errors, hdr: encoded }: OperationCounts): OperationResult {
  const latency = answered === 0 ? undefined : latencyOf(encoded);
  return { name, answered, refused, errors, hdr: encoded, ...(latency && { latency }) };
}

function latencyOf(encoded: string): LatencySummary {
  const histogram = hdr.decodeFromCompressedBase64(encoded);
  const at = (percent: number): number => histogram.getValueAtPercentile(percent) / 1_000;
  return { p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), maxMs: histogram.maxValue / 1_000 };
}
