import { expect } from 'chai';
import { signToken, withEdge } from '../test/support/edge-harness.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { Problem } from './problems.ts';
import { ADDRESS_BUDGET, RefusedTokens, WORKER_BUDGET } from './refused-tokens.ts';
import { unauthenticated } from './unauthenticated.ts';

describe('tokens that are not accepted', () => {
  let made = 0;

  /** How many of these are looked at before one is refused unseen. */
  function lookedAt(refused: RefusedTokens, count: number, addressOf: (n: number) => string): number {
    for (let n = 0; n < count; n++) {
      const authorization = `Bearer ${made++}`;
      try {
        refused.check(authorization, addressOf(n));
      } catch (thrown) {
        expect((thrown as Problem).code).to.equal('rate_limited');
        return n;
      }
      refused.add(authorization, addressOf(n), unauthenticated('no'));
    }
    return count;
  }

  it('are limited for their address, and the limit is over soon', () => {
    const clock = new HeldClock();
    const refused = new RefusedTokens(clock);
    expect(lookedAt(refused, 5_000, () => '192.0.2.1')).to.equal(ADDRESS_BUDGET.burst);
    expect(
      lookedAt(refused, 10, () => '192.0.2.2'),
      'another address',
    ).to.equal(10);
    clock.advance(100);
    expect(lookedAt(refused, 5_000, () => '192.0.2.1')).to.equal(ADDRESS_BUDGET.perSecond / 10);
  });

  it('are limited for the network of an IPv6 address, however it is written', () => {
    const refused = new RefusedTokens(new HeldClock());
    const one = (n: number): string => (n % 2 === 0 ? `2001:db8::${n}` : `2001:db8:0:0:${n}::1`);
    expect(lookedAt(refused, 5_000, one)).to.equal(ADDRESS_BUDGET.burst);
    expect(lookedAt(refused, 10, () => '2001:db8:0:1::1')).to.equal(10);
  });

  it('are limited in all, from however many addresses', () => {
    const refused = new RefusedTokens(new HeldClock());
    expect(lookedAt(refused, 5_000, (n) => `10.0.${n >> 8}.${n & 255}`)).to.equal(WORKER_BUDGET.burst);
  });

  it('get 429 beyond the limit, while tokens that were verified before pass', () =>
    withEdge({}, async (edge) => {
      expect((await edge.send('/api/v1/orders')).status).to.equal(200);
      const statuses = new Map<number, number>();
      for (let n = 0; n < ADDRESS_BUDGET.burst + 20; n++) {
        const token = await signToken(
          { sub: `s${n}`, role: 'admin' },
          edge.clock.nowMs(),
          `another secret ${n % 3}, long enough to be one`,
        );
        const { status, headers } = await edge.send('/api/v1/orders', { token });
        if (status === 429) expect(headers.get('retry-after')).to.equal('1');
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      expect([...statuses]).to.deep.equal([
        [401, ADDRESS_BUDGET.burst],
        [429, 20],
      ]);
      expect((await edge.send('/api/v1/orders')).status, 'known').to.equal(200);
      expect((await edge.send('/api/v1/orders', { token: edge.tokens.bob })).status, 'never seen').to.equal(429);
      edge.clock.advance(1_000);
      expect((await edge.send('/api/v1/orders', { token: edge.tokens.bob })).status).to.equal(200);
    })).timeout(20_000);

  it('are refused again without another look, with the same answer', () => {
    const clock = new HeldClock();
    const refused = new RefusedTokens(clock);
    const problem = unauthenticated('no');
    refused.add('Bearer x', '192.0.2.1', problem);
    expect(() => refused.check('Bearer x', '192.0.2.9')).to.throw(Problem, 'no');
    clock.advance(2_000);
    refused.check('Bearer x', '192.0.2.9');
  });
});
