import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { sampleScenarioReport, sampleSide } from '../../test/support/sample-scenario-report.ts';
import { csvReport } from './csv-report.ts';
import type { RoundResult, ScenarioReport } from './scenario-report.ts';

const rowsOf = (report: ScenarioReport): Record<string, string>[] => parse(csvReport(report), { columns: true });
const ofRound = (changes: Partial<RoundResult>) => {
  const [round] = sampleSide().rounds;
  return sampleScenarioReport({ sides: [sampleSide({ rounds: [{ ...round!, ...changes }] })] });
};

describe('csvReport', () => {
  it('has a row for each second of each round of each side', () => {
    const rows = rowsOf(sampleScenarioReport());
    expect(rows.map(({ side, round, second }) => `${side} ${round} ${second}`)).to.deep.equal(
      ['holdfast 1', 'holdfast 2', 'plain_sql 1', 'plain_sql 2'].flatMap((name) =>
        [1, 2, 3, 4, 5, 6].map((second) => `${name} ${second}`),
      ),
    );
  });

  it('says in which phase a second lies: one that ends with the warm-up belongs to it', () => {
    const phases = rowsOf(sampleScenarioReport())
      .slice(0, 4)
      .map(({ phase, measured }) => `${phase} ${measured}`);
    expect(phases).to.deep.equal(['warm-up false', 'warm-up false', 'measured true', 'measured true']);
  });

  it('leaves empty what was not measured', () => {
    const peer = rowsOf(sampleScenarioReport()).find(({ side }) => side === 'plain_sql');
    expect(peer).to.include({ commits_per_second: '', marks: '', refused: '1', 'cpu_cores load': '0.2' });
  });

  it('has the same columns whatever order processes were measured in', () => {
    const sample = { at: 1, answered: 0, refused: 0, errors: 0, rss: {} };
    const header = (...names: string[]) =>
      csvReport(
        ofRound({ series: names.map((name, index) => ({ ...sample, at: index + 1, cpu: { [name]: 1 } })) }),
      ).split('\n')[0]!;
    const first = header('load', 'worker 10', 'worker 2', 'primary');
    expect(first.split(',').slice(-4)).to.deep.equal(
      ['primary', 'worker 2', 'worker 10', 'load'].map((name) => `cpu_cores ${name}`),
    );
    expect(header('primary', 'worker 2', 'load', 'worker 10')).to.equal(first);
  });

  it('keeps commas, quotes and line breaks of a text, and puts marks into the second that they fall into', () => {
    const text = 'killed: "worker 1",\r\nat once';
    const marks = [
      { at: 3.01, text },
      { at: 4, text: 'back' },
      { at: 4.01, text: 'two\nlines' },
      { at: 6.2, text: 'late' },
    ];
    const rows = rowsOf(ofRound({ marks }));
    expect(rows.map((row) => row['marks'])).to.deep.equal(['', '', '', `${text}; back`, 'two\nlines', 'late']);
  });
});
