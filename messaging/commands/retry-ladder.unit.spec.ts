import { expect } from 'chai';
import { historyOf, nextStep, type History } from './retry-ladder.ts';

const RUNGS = ['1s', '10s', '60s'];
const NEW: History = { attempts: 0, failures: 0 };

/** The rungs that a message takes whose attempts fail like this. */
function climb(fails: readonly ('own' | 'ours')[]): string[] {
  const taken: string[] = [];
  let history = NEW;
  for (const fault of fails) {
    const step = nextStep(history, fault === 'own', RUNGS);
    taken.push(step.kind === 'climb' ? step.rung : 'given up');
    history = step.history;
  }
  return taken;
}

describe('the retry ladder', () => {
  it('tries at once, after 1 s, after 10 s and after 60 s, and then gives up', () => {
    expect(climb(['own', 'own', 'own', 'own'])).to.deep.equal(['1s', '10s', '60s', 'given up']);
  });

  it('never gives a message up because we were busy or down', () => {
    const outage = climb(Array.from({ length: 1_000 }, () => 'ours' as const));
    expect(outage.slice(0, 4)).to.deep.equal(['1s', '10s', '60s', '60s']);
    expect(outage.at(-1)).to.equal('60s');
  });

  it('leaves a message all its own attempts after an outage', () => {
    expect(climb(['ours', 'ours', 'ours', 'ours', 'own', 'own', 'own', 'own']).slice(4)).to.deep.equal([
      '60s',
      '60s',
      '60s',
      'given up',
    ]);
  });

  it('believes a history only of its own messages', () => {
    const headers = { 'x-attempts': 7, 'x-failures': 2 };
    expect(historyOf({ exchange: '', routingKey: 'orders.commands', headers })).to.deep.equal({
      attempts: 7,
      failures: 2,
    });
    expect(historyOf({ exchange: 'orders.commands', routingKey: 'orders.commands', headers })).to.deep.equal(NEW);
    expect(historyOf({ exchange: 'orders.commands', routingKey: 'order.place.v1', headers })).to.deep.equal(NEW);
    for (const value of ['7', -1, 0.5, Number.NaN, null, {}]) {
      const headers = { 'x-attempts': value };
      expect(historyOf({ exchange: '', routingKey: 'orders.commands', headers })).to.deep.equal(NEW);
    }
  });
});
