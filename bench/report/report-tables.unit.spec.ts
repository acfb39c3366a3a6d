import { expect } from 'chai';
import {
  sampleOperation,
  samplePhase,
  sampleScenarioReport,
  sampleSide,
} from '../../test/support/sample-scenario-report.ts';
import { environmentTables, resultTables } from './report-tables.ts';
import type { OperationResult, PhaseResult, ScenarioReport } from './scenario-report.ts';

const reportOf = (...phases: PhaseResult[]): ScenarioReport =>
  sampleScenarioReport({
    sides: [sampleSide({ rounds: phases.map((phase) => ({ phases: [phase], series: [], marks: [] })) })],
  });
const ofOperations = (...rounds: OperationResult[]) =>
  reportOf(...rounds.map((operation) => samplePhase({ operations: [operation] })));
const rowsOf = (report: ScenarioReport, title: string) =>
  resultTables(report).find((table) => table.title === title)?.rows;

describe('resultTables', () => {
  it('shows the orders/s of each round, their median, and what was offered and dropped', () => {
    const rates = [100, 300, 120].map((rate) => samplePhase({ offeredPerSecond: 310, dropped: 1 }, rate));
    expect(rowsOf(reportOf(...rates), 'Complete orders a second')).to.deep.equal([
      ['Holdfast', 'measured', '310', '100', '300', '120', '120', '240', '3'],
    ]);
  });

  it('shows no median that could be taken for a figure in a run that has none', () => {
    const rows = rowsOf({ ...reportOf(samplePhase()), invalid: ['spoiled'] }, 'Complete orders a second');
    expect(rows![0]).to.include('no figure');
    expect(rows![0]!.filter((cell) => cell === '1,500')).to.have.length(1);
  });

  it('adds counts up, takes the median of latencies and the highest of all', () => {
    const latency = (scale: number) => ({ p50Ms: 2 * scale, p95Ms: 5 * scale, p99Ms: 9 * scale, maxMs: 10 * scale });
    const operation = (scale: number) =>
      sampleOperation({ answered: 600, refused: 2, errors: [{ message: 'x', count: 3 }], latency: latency(scale) });
    expect(rowsOf(ofOperations(operation(1), operation(30), operation(2)), 'Operations')).to.deep.equal([
      ['Holdfast', 'measured', 'place', '1,800', '6', '9', '4.00', '10.0', '18.0', '300'],
    ]);
  });

  it('shows an operation without an answer', () => {
    const { latency: _, ...silent } = sampleOperation({ answered: 0, refused: 7 });
    expect(rowsOf(ofOperations(silent), 'Operations')).to.deep.equal([
      ['Holdfast', 'measured', 'place', '0', '7', '0', '-', '-', '-', '-'],
    ]);
  });

  it('counts equal errors of all rounds together, and leaves the table out where there are none', () => {
    const failed = (count: number) => sampleOperation({ errors: [{ message: 'answer 500', count }] });
    expect(rowsOf(ofOperations(failed(2), failed(3), sampleOperation()), 'Errors')).to.deep.equal([
      ['Holdfast', 'measured', 'place', 'answer 500', '5'],
    ]);
    expect(rowsOf(sampleScenarioReport(), 'Errors')).to.equal(undefined);
  });

  it("adds the service's CPU up with PostgreSQL's, without the load's", () => {
    const cpu = (primary: number) => ({ primary, workers: [200, 100], postgres: 50, load: 9000 });
    const report = reportOf(samplePhase({ cpu: cpu(10) }), samplePhase({ cpu: cpu(30) }));
    expect(rowsOf(report, 'CPU an order')).to.deep.equal([
      ['Holdfast', 'measured', '20', '200', '100', '50', '9,000', '370'],
    ]);
  });

  it('knows no sum of CPU where PostgreSQL runs elsewhere, and no table where it was not measured', () => {
    const remote = reportOf(samplePhase({ cpu: { primary: 1, workers: [2], load: 3 } }));
    expect(rowsOf(remote, 'CPU an order')![0]!.slice(2)).to.deep.equal(['1', '2', '-', '3', '-']);
    const { cpu: _, ...unmeasured } = samplePhase();
    expect(rowsOf(reportOf(unmeasured), 'CPU an order')).to.equal(undefined);
  });

  it('has a cell for every column', () => {
    for (const { title, header, rows } of resultTables(
      ofOperations(sampleOperation({ errors: [{ message: 'x', count: 1 }] })),
    )) {
      for (const row of rows) expect(row, title).to.have.length(header.length);
    }
  });
});

describe('environmentTables', () => {
  it("shows the machine, PostgreSQL's durability and the scenario's settings as they are", () => {
    const facts = environmentTables(sampleScenarioReport()).map(({ title, rows }) => [title, Object.fromEntries(rows)]);
    expect(Object.fromEntries(facts)).to.deep.equal({
      Machine: { Node: 'v20.19.0', platform: 'linux 6.1 x64', cores: '2 (Sample CPU)', memory: '4 GiB' },
      PostgreSQL: { version: '18.4 (embedded)', fsync: 'on', synchronous_commit: 'on' },
      'Scenario settings': { products: '1000', 'lines an order': '2', rounds: '2', relay: 'false' },
    });
  });
});
