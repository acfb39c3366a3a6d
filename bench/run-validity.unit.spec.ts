import { expect } from 'chai';
import type { OperationResult, PhaseResult, SideResult } from './report/scenario-report.ts';
import { whyInvalid } from './run-validity.ts';
import type { Scenario } from './scenarios/scenario.ts';

const operation: OperationResult = { name: 'place', answered: 10, refused: 0, errors: [], hdr: '' };
const phase: PhaseResult = {
  ...{ name: 'load', measured: true, from: 0, seconds: 1, dropped: 0, orders: 10, ordersPerSecond: 10 },
  ...{ linesPerSecond: 20, offeredPerSecond: 10, operations: [operation] },
};
const scenario: Scenario = { about: '', form: { products: 1, linesPerOrder: 1 }, phases: [] };

describe('whether a run has figures', () => {
  const reasons = (change: Partial<PhaseResult>, change2: Partial<Scenario> = {}, verdict?: SideResult['verdict']) =>
    whyInvalid(
      {
        name: 'Holdfast',
        id: 'holdfast',
        rounds: [{ phases: [{ ...phase, ...change }], series: [], marks: [] }],
        verdict: verdict ?? { kind: 'clean', by: 'the audit' },
      },
      { ...scenario, ...change2 },
    ).join('\n');
  const with_ = (change: Partial<OperationResult>): Partial<PhaseResult> => ({
    operations: [{ ...operation, ...change }],
  });

  it('it has, where all was as promised', () => expect(reasons({})).to.equal(''));

  it('it has none after a check that found something, or could not be made', () => {
    expect(reasons({}, {}, { kind: 'violated', problems: ['a lost order'] })).to.contain('a lost order');
    expect(reasons({}, {}, { kind: 'unchecked', reason: 'not built' })).to.contain('not built');
  });

  it('it has none when arrivals were dropped, or nothing was complete', () => {
    expect(reasons({ dropped: 3 })).to.contain('3 arrivals');
    expect(reasons({ orders: 0 })).to.contain('not one order');
    expect(reasons({ orders: 0, measured: false }), 'a warm-up may').to.equal('');
  });

  it('errors take it its figures, unless the scenario kills what answers', () => {
    const errors = [{ message: 'no answer', count: 2 }];
    expect(reasons(with_({ errors }))).to.contain('2 x place: no answer');
    expect(reasons(with_({ errors }), { disturbances: [{ atSeconds: 1, what: 'kill-node' }] })).to.equal('');
  });

  it('refusals do in a closed loop, and where the scenario allows none', () => {
    expect(reasons(with_({ refused: 4 }))).to.equal('');
    expect(reasons(with_({ refused: 4 }), { refusesNone: true })).to.contain('4 x place were refused');
    const { offeredPerSecond: _, ...closed } = { ...phase, ...with_({ refused: 4 }) };
    expect(
      whyInvalid(
        {
          name: 'H',
          id: 'h',
          rounds: [{ phases: [closed], series: [], marks: [] }],
          verdict: { kind: 'clean', by: '' },
        },
        scenario,
      ),
    ).to.have.length(1);
  });
});
