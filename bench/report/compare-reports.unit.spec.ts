import { expect } from 'chai';
import {
  sampleOperation,
  samplePhase,
  sampleScenarioReport,
  sampleSide,
} from '../../test/support/sample-scenario-report.ts';
import { compareReports } from './compare-reports.ts';
import type { ScenarioReport, SideResult } from './scenario-report.ts';

interface Round {
  readonly rate?: number;
  readonly p99Ms?: number;
}

/** Holdfast alone, one round for each. */
function reportOf(rounds: readonly Round[], changes: Partial<ScenarioReport> = {}, side: Partial<SideResult> = {}) {
  const results = rounds.map(({ rate = 1000, p99Ms = 9 }) => {
    const latency = { p50Ms: 5, p95Ms: 8, p99Ms, maxMs: 100 };
    return { phases: [samplePhase({ operations: [sampleOperation({ latency })] }, rate)], series: [], marks: [] };
  });
  return sampleScenarioReport({ sides: [sampleSide({ rounds: results, ...side })], comparisons: [], ...changes });
}
const ofRates = (...rates: number[]) => reportOf(rates.map((rate) => ({ rate })));
const ofP99s = (...p99s: number[]) => reportOf(p99s.map((p99Ms) => ({ p99Ms })));
/** The cells of the line that begins so. */
const lineOf = (text: string, name: string) =>
  text
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.split(/ {2,}/);

const LOW = [100, 101, 102, 103];
const HIGH = [110, 111, 112, 113];

describe('compareReports', () => {
  it('calls more orders/s faster and fewer slower, with the medians, their spread, their ratio and p', () => {
    expect(lineOf(compareReports(ofRates(...LOW), ofRates(...HIGH)), 'Holdfast, measured ')).to.deep.equal([
      'Holdfast, measured',
      '102',
      '100 to 103',
      '112',
      '110 to 113',
      '1.10',
      '0.029',
      'faster',
    ]);
    expect(lineOf(compareReports(ofRates(...HIGH), ofRates(...LOW)), 'Holdfast, measured ')?.slice(-3)).to.deep.equal([
      '0.91',
      '0.029',
      'slower',
    ]);
  });

  it('calls a higher latency slower', () => {
    const name = 'Holdfast, measured, place, p99';
    const slower = compareReports(ofP99s(...LOW), ofP99s(...HIGH));
    expect(lineOf(slower, name)?.slice(-2)).to.deep.equal(['0.029', 'slower']);
    expect(lineOf(compareReports(ofP99s(...HIGH), ofP99s(...LOW)), name)?.at(-1)).to.equal('faster');
    expect(lineOf(slower, 'Holdfast, measured, place, p50')?.slice(-2)).to.deep.equal(['1.000', 'no difference shown']);
  });

  it('shows no difference from 5 % on', () => {
    // 4 of 70 ways of dealing out are as extreme.
    const text = compareReports(ofRates(1, 2, 3, 5), ofRates(4, 6, 7, 8));
    expect(lineOf(text, 'Holdfast, measured ')?.slice(-2)).to.deep.equal(['0.057', 'no difference shown']);
  });

  it('says that three rounds against three can show nothing, however far apart', () => {
    const text = compareReports(ofRates(1, 2, 3), ofRates(1001, 1002, 1003));
    expect(lineOf(text, 'Holdfast, measured ')?.slice(-2)).to.deep.equal(['0.100', 'too few rounds']);
    expect(text).to.include("Too few rounds: 3 against 3 can't give a p below 0.100");
    expect(compareReports(ofRates(...LOW), ofRates(...HIGH))).to.not.include('oo few rounds');
  });

  it('compares phases by name, and all measured ones together', () => {
    const phases = [samplePhase({ name: 'low' }, 100), samplePhase({ name: 'high' }, 300)];
    const side = sampleSide({ rounds: [{ phases, series: [], marks: [] }] });
    const other = sampleSide({
      rounds: [{ phases: [phases[1]!, samplePhase({ name: 'new' })], series: [], marks: [] }],
    });
    const text = compareReports(sampleScenarioReport({ sides: [side] }), sampleScenarioReport({ sides: [other] }));
    expect(lineOf(text, 'Holdfast, high ')?.slice(1, 5)).to.deep.equal(['300', '300 to 300', '300', '300 to 300']);
    expect(lineOf(text, 'Holdfast, all measured')?.[1]).to.equal('200');
    expect(text).to.not.match(/Holdfast, (low|new)/);
  });

  it('compares nothing where a run has no figure, and says why', () => {
    const spoiled = reportOf([{}], { invalid: ['12 arrivals were dropped'] });
    const violated = reportOf([{}], {}, { verdict: { kind: 'violated', problems: ['a hole'] } });
    const text = compareReports(spoiled, violated);
    expect(text).to.include('A: 12 arrivals were dropped').and.include('B: Holdfast: violated: a hole');
    expect(text).to.not.include('orders/s');
  });

  it('does not compare an unchecked side, or one that only one run has', () => {
    const plain = sampleSide({ name: 'plain SQL', id: 'plain_sql', verdict: { kind: 'unchecked', reason: 'no SQL' } });
    const dbos = sampleSide({ name: 'DBOS', id: 'dbos' });
    const a = sampleScenarioReport({ sides: [sampleSide(), plain, dbos] });
    const text = compareReports(
      a,
      sampleScenarioReport({ sides: [sampleSide(), { ...plain, verdict: dbos.verdict }] }),
    );
    expect(lineOf(text, 'plain SQL,')).to.equal(undefined);
    expect(text).to.include('Not compared: in A, plain SQL: not checked: no SQL.');
    expect(text).to.include('Not compared: DBOS, which is only in A.');
  });

  it('warns of every fact that differs, and of none that does not', () => {
    const a = ofRates(...LOW);
    const b: ScenarioReport = {
      ...a,
      scenario: 'other',
      machine: { ...a.machine, cores: 8 },
      database: { ...a.database, settings: { fsync: 'off' } },
      settings: { ...a.settings, rounds: 3 },
    };
    const warnings = (text: string) => text.split('\n').filter((line) => line.startsWith('Warning: '));
    expect(warnings(compareReports(a, b))).to.deep.equal([
      'Warning: not the same scenario: name is steady in A and other in B',
      'Warning: not the same machine: cores is 2 in A and 8 in B',
      'Warning: not the same PostgreSQL: fsync is on in A and off in B',
      'Warning: not the same PostgreSQL: synchronous_commit is on in A and absent in B',
      'Warning: not the same settings: rounds is 2 in A and 3 in B',
    ]);
    expect(warnings(compareReports(a, ofRates(...HIGH)))).to.deep.equal([]);
  });
});
