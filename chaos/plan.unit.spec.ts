import { expect } from 'chai';
import { FAULT_KINDS, makePlan, pointedAt } from './plan.ts';

const MINUTE_MS = 60_000;

describe('the plan of a run', () => {
  it('is the same for the same seed and options', () => {
    const options = { seed: 7, durationMs: 5 * MINUTE_MS, nodes: 2, broker: true };
    expect(makePlan(options)).to.deep.equal(makePlan(options));
  });

  it('is another one for another seed', () => {
    const plans = [1, 2].map((seed) => makePlan({ seed, durationMs: 5 * MINUTE_MS, nodes: 2, broker: true }));
    expect(plans[0]).to.not.deep.equal(plans[1]);
  });

  it('holds at least 150 faults of every kind in 15 minutes, whatever the seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const plan = makePlan({ seed, durationMs: 15 * MINUTE_MS, nodes: 2, broker: true });
      expect(plan.length, `seed ${seed}`).to.be.at.least(150);
      expect(new Set(plan.map(({ kind }) => kind)), `seed ${seed}`).to.have.keys(FAULT_KINDS);
    }
  });

  it('leaves the broker out where there is none, and cuts no node off that is the only one', () => {
    const kindsOf = (nodes: number, broker: boolean): string[] =>
      makePlan({ seed: 3, durationMs: 15 * MINUTE_MS, nodes, broker }).map(({ kind }) => kind);
    expect(kindsOf(2, false).filter((kind) => kind.startsWith('broker-'))).to.deep.equal([]);
    expect(kindsOf(1, true)).to.include('broker-kill').and.not.include('broker-node-cut');
  });

  it('cuts a node off while nothing else is planned to be wrong', () => {
    for (let seed = 0; seed < 50; seed++) {
      const plan = makePlan({ seed, durationMs: 15 * MINUTE_MS, nodes: 2, broker: true });
      const cuts = plan.filter(({ kind }) => kind === 'broker-node-cut' || kind === 'broker-exchange-deleted');
      expect(cuts.length, `seed ${seed}`).to.be.at.least(8);
      for (const cut of cuts) {
        const others = plan.filter((other) => other !== cut);
        const overlapping = others.filter(
          ({ atMs, durationMs }) => atMs < cut.atMs + cut.durationMs && atMs + durationMs > cut.atMs,
        );
        expect(overlapping, `seed ${seed}`).to.deep.equal([]);
      }
    }
  });

  it('takes the broker away for a minute now and then, not most of the time', () => {
    for (let seed = 0; seed < 50; seed++) {
      const plan = makePlan({ seed, durationMs: 15 * MINUTE_MS, nodes: 2, broker: true });
      const awayMs = plan.filter(({ kind }) => kind === 'broker-away').map(({ durationMs }) => durationMs);
      expect(awayMs.length, `seed ${seed}`).to.be.within(1, 4);
      for (const ms of awayMs) expect(ms).to.be.at.least(50_000);
    }
  });

  it('freezes no whole node where it is the only one', () => {
    const plan = makePlan({ seed: 3, durationMs: 15 * MINUTE_MS, nodes: 1, broker: true });
    expect(plan.some(({ kind }) => kind === 'node-freeze')).to.equal(false);
  });

  it('never kills PostgreSQL more often than its own supervisor bears', () => {
    for (let seed = 0; seed < 50; seed++) {
      const kills = makePlan({ seed, durationMs: 30 * MINUTE_MS, nodes: 1, broker: true })
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
