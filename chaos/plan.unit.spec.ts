import { expect } from 'chai';
import { FAULT_KINDS, makePlan, pointedAt } from './plan.ts';

const MINUTE_MS = 60_000;

describe('the plan of a run', () => {
  it('is the same for the same seed and options', () => {
    const options = { seed: 7, durationMs: 5 * MINUTE_MS, nodes: 2 };
    expect(makePlan(options)).to.deep.equal(makePlan(options));
  });

  it('is another one for another seed', () => {
    const plans = [1, 2].map((seed) => makePlan({ seed, durationMs: 5 * MINUTE_MS, nodes: 2 }));
    expect(plans[0]).to.not.deep.equal(plans[1]);
  });

  it('holds at least 150 faults of every kind in 15 minutes, whatever the seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const plan = makePlan({ seed, durationMs: 15 * MINUTE_MS, nodes: 2 });
      expect(plan.length, `seed ${seed}`).to.be.at.least(150);
      expect(new Set(plan.map(({ kind }) => kind)), `seed ${seed}`).to.have.keys(FAULT_KINDS);
    }
  });

  it('freezes no whole node where it is the only one', () => {
    const plan = makePlan({ seed: 3, durationMs: 15 * MINUTE_MS, nodes: 1 });
    expect(plan.some(({ kind }) => kind === 'node-freeze')).to.equal(false);
  });

  it('never kills PostgreSQL more often than its own supervisor bears', () => {
    for (let seed = 0; seed < 50; seed++) {
      const kills = makePlan({ seed, durationMs: 30 * MINUTE_MS, nodes: 1 })
        .filter(({ kind }) => kind === 'postgres-kill')
        .map(({ atMs }) => atMs);
      for (const [index, atMs] of kills.entries()) {
        const within = kills.slice(index).filter((other) => other - atMs <= 5 * MINUTE_MS);
        expect(within.length, `seed ${seed}`).to.be.at.most(8);
      }
    }
  });

  it('points at one of a list, or at nothing', () => {
    expect(pointedAt(['a', 'b'], 0)).to.equal('a');
    expect(pointedAt(['a', 'b'], 0.99)).to.equal('b');
    expect(pointedAt([], 0.5)).to.equal(undefined);
  });
});
