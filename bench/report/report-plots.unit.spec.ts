import { expect } from 'chai';
import * as hdr from 'hdr-histogram-js';
import {
  sampleOperation,
  samplePhase,
  sampleScenarioReport,
  sampleSide,
} from '../../test/support/sample-scenario-report.ts';
import { percentilePosition, reportPlots, type Plot } from './report-plots.ts';
import type { OperationResult, PhaseResult, RoundResult } from './scenario-report.ts';

const plotsOf = (round: Partial<RoundResult>): readonly Plot[] => {
  const side = sampleSide({ rounds: [{ ...sampleSide().rounds[0]!, ...round }] });
  return reportPlots(sampleScenarioReport({ sides: [side] }))[0]!.plots;
};
const plotNamed = (plots: readonly Plot[], title: string) => plots.find((plot) => plot.title.startsWith(title));
const percentilesOf = (...phases: PhaseResult[]) => plotNamed(plotsOf({ phases }), 'Latency by percentile')!;
const ofLatencies = (...latenciesUs: number[]): OperationResult => {
  const histogram = hdr.build({ useWebAssembly: false });
  for (const latencyUs of latenciesUs) histogram.recordValue(latencyUs);
  return sampleOperation({ hdr: hdr.encodeIntoCompressedBase64(histogram) });
};

describe('percentilePosition', () => {
  it('gives each further nine as much room', () => {
    const positions = [90, 99, 99.9, 99.99].map(percentilePosition);
    for (const [index, position] of positions.entries()) expect(position).to.be.closeTo(index + 1, 1e-9);
  });
});

describe('reportPlots', () => {
  it('names the rounds of all sides in their order', () => {
    expect(reportPlots(sampleScenarioReport()).map(({ name }) => name)).to.deep.equal([
      'Holdfast, round 1',
      'Holdfast, round 2',
      'plain SQL, round 1',
      'plain SQL, round 2',
    ]);
  });

  it('gives the warm-up its bounds, and keeps the marks', () => {
    const [first] = reportPlots(sampleScenarioReport());
    expect(first!.phases).to.deep.equal([
      { name: 'warm-up', from: 0, to: 2, isWarmUp: true },
      { name: 'measured', from: 2, to: 6, isWarmUp: false },
    ]);
    expect(first!.marks).to.deep.equal([{ at: 2.5, text: 'a worker is killed' }]);
  });

  it("leaves out what only Holdfast's nodes tell", () => {
    const titles = reportPlots(sampleScenarioReport()).map(({ plots }) => plots.map(({ title }) => title));
    expect(titles[0]).to.include.members(['Commits a second', 'Projection lag (ms)']);
    expect(titles[2]).to.deep.equal(titles[0]!.slice(0, 5));
  });

  it('has a value, or a gap, for each second', () => {
    const series = [1, 2, 3].map((at) => ({ ...{ at, answered: at, refused: 0, errors: 0, cpu: {}, rss: {} } }));
    const plots = plotsOf({ series: [{ ...series[0]!, p50: 1.234567, cpu: { load: 1 } }, series[1]!, series[2]!] });
    expect(plotNamed(plots, 'Latency (ms)')!.lines[0]).to.deep.equal({ label: 'p50', values: [1.2346, null, null] });
    expect(plotNamed(plots, 'CPU')!.lines).to.deep.equal([{ label: 'load', values: [1, null, null] }]);
    expect(plotNamed(plots, 'Memory')).to.equal(undefined);
  });

  it('counts answers a second whatever a sample lasted, and leaves out what is left of the last one', () => {
    const sample = (at: number, answered: number) => ({ at, answered, refused: 0, errors: 0, cpu: {}, rss: {} });
    const plots = plotsOf({ series: [sample(1, 100), sample(2.25, 250), sample(3, 75), sample(3.4, 300)] });
    const { xValues, lines } = plotNamed(plots, 'Answers')!;
    expect(xValues).to.deep.equal([1, 2.25, 3]);
    expect(lines[0]).to.deep.equal({ label: 'answered', values: [100, 200, 100] });
  });

  it('compares answers with what was offered in the same second, in an open loop only', () => {
    const phases = [
      samplePhase({ from: 0.01, seconds: 2, offeredPerSecond: 100 }),
      samplePhase({ from: 2.01, seconds: 2, offeredPerSecond: 900 }),
      samplePhase({ from: 4.01, seconds: 2 }),
    ];
    const offered = (round: Partial<RoundResult>) =>
      plotNamed(plotsOf(round), 'Answers')!.lines.find(({ isReference }) => isReference === true);
    expect(offered({ phases })!.values).to.deep.equal([100, 100, 900, 900, null, null]);
    expect(offered({})).to.equal(undefined);
  });

  it('reads latencies at percentiles out of the histogram, in milliseconds', () => {
    const { xValues, lines } = percentilesOf(
      samplePhase({ operations: [ofLatencies(...Array.from({ length: 100 }, (_, index) => (index + 1) * 1000))] }),
    );
    const at = (percent: number) => {
      const index = xValues.findIndex((x) => Math.abs(x - percentilePosition(percent)) < 1e-4);
      return lines[0]!.values[index];
    };
    expect(at(50)).to.be.closeTo(50, 0.1);
    expect(at(90)).to.be.closeTo(90, 0.1);
    expect(at(99)).to.be.closeTo(99, 0.1);
    // A hundred values say nothing about one in a thousand.
    expect(at(99.9)).to.equal(null);
  });

  it('draws a line for each measured operation, named by what sets it apart', () => {
    const [place, read] = [sampleOperation(), sampleOperation({ name: 'read' })];
    const labels = (...phases: PhaseResult[]) => percentilesOf(...phases).lines.map(({ label }) => label);
    const phase = (name: string, ...operations: OperationResult[]) => samplePhase({ name, operations });
    const warmUp = samplePhase({ measured: false });
    expect(labels(warmUp, phase('all', place, read))).to.deep.equal(['place', 'read']);
    expect(labels(phase('low', place), phase('high', place))).to.deep.equal(['low', 'high']);
    expect(labels(phase('low', place), phase('high', read))).to.deep.equal(['low: place', 'high: read']);
  });
});
