import { expect } from 'chai';
import { samplePhase, sampleOperation, sampleSide } from '../../test/support/sample-scenario-report.ts';
import { measuredPhases, medianOfKnown, throughputPhases } from './measured-phases.ts';

const round = (...phases: ReturnType<typeof samplePhase>[]) => ({ phases, series: [], marks: [] });

describe('measuredPhases', () => {
  it('leaves warm-up out, and puts the rounds of each phase and operation together', () => {
    const place = (answered: number) => [sampleOperation({ answered }), sampleOperation({ name: 'read' })];
    const phases = (answered: number) => [
      samplePhase({ name: 'warm-up', measured: false }),
      samplePhase({ name: 'low', operations: place(answered) }),
      samplePhase({ name: 'high', operations: place(10 * answered) }),
    ];
    const side = sampleSide({ rounds: [round(...phases(1)), round(...phases(2))] });
    const answered = measuredPhases(side).map(({ name, operations }) => [
      name,
      operations.map((operation) => [operation.name, operation.rounds.map((each) => each.answered)]),
    ]);
    expect(answered).to.deep.equal([
      [
        'low',
        [
          ['place', [1, 2]],
          ['read', [1000, 1000]],
        ],
      ],
      [
        'high',
        [
          ['place', [10, 20]],
          ['read', [1000, 1000]],
        ],
      ],
    ]);
  });
});

describe('throughputPhases', () => {
  it('adds all measured phases together, each weighed by its length', () => {
    const warmUp = samplePhase({ name: 'warm-up', measured: false, dropped: 9 }, 9000);
    const low = samplePhase({ name: 'low', seconds: 30, dropped: 1 }, 100);
    const high = samplePhase({ name: 'high', seconds: 10, dropped: 2 }, 500);
    const phases = throughputPhases(sampleSide({ rounds: [round(warmUp, low, high)] }));
    expect(phases.map(({ name }) => name)).to.deep.equal(['low', 'high', 'all measured']);
    expect(phases.at(-1)!.rounds).to.deep.equal([{ ordersPerSecond: 200, linesPerSecond: 400, dropped: 3 }]);
  });

  it('does not repeat the only one', () => {
    expect(throughputPhases(sampleSide()).map(({ name }) => name)).to.deep.equal(['measured']);
  });
});

describe('medianOfKnown', () => {
  it('takes what was not measured for nothing, not for 0', () => {
    expect(medianOfKnown([undefined, 4, 2])).to.equal(3);
    expect(medianOfKnown([undefined])).to.equal(undefined);
  });
});
