import { expect } from 'chai';
import { samplePhase } from '../../test/support/sample-scenario-report.ts';
import { phaseOfSecond } from './phase-of-second.ts';

describe('phaseOfSecond', () => {
  const phases = [samplePhase({ name: 'first', from: 0.02 }), samplePhase({ name: 'second', from: 5.03 })];
  const nameAt = (end: number) => phaseOfSecond({ phases, series: [], marks: [] }, end)?.name;

  it('is the phase of most of the second, also where clocks are not quite the same', () => {
    expect([1, 4.98, 5, 5.04, 6].map(nameAt)).to.deep.equal(['first', 'first', 'first', 'first', 'second']);
  });

  it('is none before the first', () => {
    expect(nameAt(0.4)).to.equal(undefined);
  });
});
