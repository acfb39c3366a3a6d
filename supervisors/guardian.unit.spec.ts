import { expect } from 'chai';
import type { Crash, Directive } from '../runtime/entity/guardian.ts';
import { CorruptionError, ForeignMessageError } from '../kernel/errors.ts';
import { InvariantViolation } from '../kernel/invariant.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { crashCodeOf, DIRECTIVES } from './directives.ts';
import { EntityGuardian } from './guardian.ts';

const withCode = (code: string): Error => Object.assign(new Error(code), { code });
const crashOf = (error: unknown, entityId = 'stk_P1', kind: Crash['kind'] = 'stock'): Crash => ({
  kind,
  entityId,
  error,
});
const BUG = new TypeError('a bug');

describe('the guardian of entities', () => {
  let clock: HeldClock;
  let guardian: EntityGuardian;
  beforeEach(() => {
    clock = new HeldClock();
    guardian = new EntityGuardian(clock, silentLog);
  });

  describe('the directive table', () => {
    for (const [name, error, code, directive] of [
      ['a message of another version', new ForeignMessageError('x'), 'foreign_message', 'resume'],
      ['rows that can’t be believed', new CorruptionError('x'), 'corruption', 'stop'],
      ['a broken invariant', new InvariantViolation('x'), 'invariant', 'restart'],
      ['no memory', withCode('ERR_OUT_OF_MEMORY'), 'exhausted', 'escalate'],
      ['no buffer', withCode('ERR_MEMORY_ALLOCATION_FAILED'), 'exhausted', 'escalate'],
      ['no descriptors', withCode('EMFILE'), 'exhausted', 'escalate'],
      ['a bug', BUG, 'unexpected', 'restart'],
      ['an error with another code', withCode('ENOENT'), 'unexpected', 'restart'],
      ['a failure with a code of ours', withCode('overloaded'), 'unexpected', 'restart'],
      ['what is no error', 'thrown text', 'unexpected', 'restart'],
      ['nothing', null, 'unexpected', 'restart'],
    ] as const) {
      it(`${name}: ${code}, ${directive}`, () => {
        expect(crashCodeOf(error)).to.equal(code);
        expect(DIRECTIVES[code]).to.equal(directive);
        expect(guardian.decide(crashOf(error))).to.equal(directive);
      });
    }
  });

  describe('how often', () => {
    it('an entity that crashes a fourth time within a minute is stopped; others are not', () => {
      const decided: Directive[] = [];
      for (let crash = 0; crash < 4; crash++) {
        decided.push(guardian.decide(crashOf(BUG)));
        clock.advance(19_999);
      }
      expect(decided).to.deep.equal(['restart', 'restart', 'restart', 'stop']);
      expect(guardian.decide(crashOf(BUG, 'stk_P2'))).to.equal('restart');
    });

    it('crashes that are a minute apart are accidents', () => {
      for (let crash = 0; crash < 10; crash++) {
        expect(guardian.decide(crashOf(BUG)), `crash ${crash}`).to.equal('restart');
        clock.advance(20_000);
      }
    });

    it('messages of another version don’t count, however many', () => {
      for (let crash = 0; crash < 500; crash++) {
        expect(guardian.decide(crashOf(new ForeignMessageError('x')))).to.equal('resume');
      }
      expect(guardian.decide(crashOf(BUG))).to.equal('restart');
    });

    it('a kind whose entities crash 200 times within ten seconds is no entity’s fault: escalate', () => {
      for (let crash = 0; crash < 200; crash++) {
        expect(guardian.decide(crashOf(BUG, `stk_${crash}`)), `crash ${crash}`).to.equal('restart');
        clock.advance(49);
      }
      expect(guardian.decide(crashOf(BUG, 'ord_1', 'order')), 'another kind').to.equal('restart');
      expect(guardian.decide(crashOf(BUG, 'stk_last'))).to.equal('escalate');
    });

    it('the same number in a longer time is not', () => {
      for (let crash = 0; crash < 400; crash++) {
        expect(guardian.decide(crashOf(BUG, `stk_${crash}`)), `crash ${crash}`).to.equal('restart');
        clock.advance(50);
      }
    });
  });

  it('counts its decisions, and keeps the last failures, newest last', () => {
    guardian.decide(crashOf(new CorruptionError('bad rows')));
    for (let crash = 0; crash < 20; crash++) guardian.decide(crashOf(new Error('x'.repeat(1_000)), `stk_${crash}`));
    expect(guardian.counts).to.deep.equal({ resume: 0, restart: 20, stop: 1, escalate: 0 });
    expect(guardian.lastFailures).to.have.length(20);
    expect(guardian.lastFailures[0], 'the oldest has gone').to.include({ entityId: 'stk_0' });
    const last = guardian.lastFailures.at(-1)!;
    expect(last).to.include({ kind: 'stock', entityId: 'stk_19', directive: 'restart' });
    expect(last.at).to.equal(new Date(clock.nowMs()).toISOString());
    expect(last.error).to.have.length(300);
  });
});
