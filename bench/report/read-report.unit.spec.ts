import { expect } from 'chai';
import { sampleScenarioReport, sampleSide } from '../../test/support/sample-scenario-report.ts';
import { readReport } from './read-report.ts';

/** Reading the report with this instead of what is there; undefined leaves it out. */
const reading = (path: string, value: unknown) => () => {
  const report: unknown = JSON.parse(JSON.stringify(sampleScenarioReport()));
  const keys = path.split('.');
  const place = keys.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], report);
  Object.assign(place as object, { [keys.at(-1)!]: value });
  return readReport(JSON.stringify(report), 'a.json');
};

describe('readReport', () => {
  it('reads what --json writes, nothing lost', () => {
    const report = sampleScenarioReport({
      sides: [sampleSide({ verdict: { kind: 'unchecked', reason: 'no audit' } })],
    });
    expect(readReport(JSON.stringify(report), 'a.json')).to.deep.equal(report);
  });

  it('names the file that is not JSON', () => {
    expect(() => readReport('{"scenario":', 'cut.json')).to.throw(/^cut\.json is not JSON: /);
  });

  for (const text of ['null', '[]', '{}', '{"sides":[],"startedAt":"2026-02-03T04:05:06.000Z"}']) {
    it(`refuses ${text}, which is no report`, () => {
      expect(() => readReport(text, 'other.json')).to.throw(/^other\.json is not a report of bench \(--json\): /);
    });
  }

  for (const [path, value] of Object.entries({
    machine: undefined,
    'sides.0.rounds': 3,
    'sides.0.verdict.kind': 'fine',
    'sides.0.rounds.1.phases.0.ordersPerSecond': null,
    'sides.0.rounds.0.phases.1.operations.0.latency.p99Ms': 'long',
  })) {
    it(`names ${path} where it is wrong`, () => {
      expect(reading(path, value)).to.throw(`a.json is not a report of bench (--json): ${path}: `);
    });
  }

  it('tells the first of many problems', () => {
    expect(reading('sides', Array(50).fill({}))).to.throw(/^.{1,400}$/);
  });
});
