import { expect } from 'chai';
import * as hdr from 'hdr-histogram-js';
import {
  sampleOperation,
  samplePhase,
  sampleScenarioReport,
  sampleSide,
} from '../../test/support/sample-scenario-report.ts';
import { hdrLog } from './hdr-log.ts';
import type { PhaseResult, ScenarioReport } from './scenario-report.ts';

const ofPhases = (...phases: PhaseResult[]) =>
  sampleScenarioReport({ sides: [sampleSide({ rounds: [{ phases, series: [], marks: [] }] })] });

function intervalsOf(report: ScenarioReport) {
  const reader = new hdr.HistogramLogReader(hdrLog(report));
  const intervals = [];
  for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) {
    intervals.push(next);
  }
  return intervals;
}

describe('hdrLog', () => {
  it('gives a reader the histograms that were measured, value by value', () => {
    const operation = sampleOperation();
    const [interval] = intervalsOf(ofPhases(samplePhase({ operations: [operation] })));
    const measured = hdr.decodeFromCompressedBase64(operation.hdr);
    expect(interval!.outputPercentileDistribution()).to.equal(measured.outputPercentileDistribution());
    expect(interval!.totalCount).to.equal(1000);
  });

  it('tags each with side, round, phase and operation, and leaves warm-up out', () => {
    const tags = intervalsOf(sampleScenarioReport({ sides: [sampleSide()] })).map(({ tag }) => tag);
    expect(tags).to.deep.equal([
      'holdfast:round-1:measured:place-until-confirmed',
      'holdfast:round-1:measured:read',
      'holdfast:round-2:measured:place-until-confirmed',
      'holdfast:round-2:measured:read',
    ]);
  });

  it('lets no name end its tag', () => {
    const [interval] = intervalsOf(ofPhases(samplePhase({ name: 'a, b\nTag=c', operations: [sampleOperation()] })));
    expect(interval!.tag).to.equal('holdfast:round-1:a-b-Tag=c:place');
  });

  it("places phases in time from the run's start", () => {
    const report = ofPhases(samplePhase({ from: 2.5, seconds: 4, operations: [sampleOperation()] }));
    const [interval] = intervalsOf(report);
    const startedAtMs = Date.parse(report.startedAt);
    expect(interval!.startTimeStampMsec - startedAtMs).to.equal(2500);
    expect(interval!.endTimeStampMsec - startedAtMs).to.equal(6500);
  });

  it('goes on in time, so that a reader of a range sees all of it', () => {
    const operations = [sampleOperation()];
    const phases = [samplePhase({ name: 'early', operations }), samplePhase({ name: 'late', from: 10, operations })];
    const round = { phases, series: [], marks: [] };
    const report = sampleScenarioReport({ sides: [sampleSide({ rounds: [round, round] })] });
    expect(intervalsOf(report).map(({ tag }) => tag.split(':')[2])).to.deep.equal(['early', 'early', 'late', 'late']);
  });

  it('has the lines of the format: version, start time, legend, then only intervals with their maximum in ms', () => {
    const lines = hdrLog({ ...ofPhases(samplePhase({ operations: [sampleOperation()] })), scenario: 'x\n1,2,3,y' })
      .trimEnd()
      .split('\n');
    expect(lines.filter((line) => !line.startsWith('#['))).to.have.length(2);
    expect(lines).to.include('#[Histogram log format version 1.3]');
    expect(lines).to.include('#[StartTime: 1770091506.000 (seconds since epoch), 2026-02-03T04:05:06.000Z]');
    expect(lines.at(-2)).to.equal('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"');
    expect(lines.at(-1)).to.match(/^Tag=[^, ]+,0\.000,4\.000,1000\.\d{3},HISTFA[A-Za-z0-9+/=]+$/);
  });
});
