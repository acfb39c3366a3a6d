import { expect } from 'chai';
import { HeldClock } from '../test/support/manual-clock.ts';
import { inProcessRateLimiter } from './rate-limiter.ts';

describe('in-process rate limiter', () => {
  it('allows the limit in a window and counts down', async () => {
    const limiter = inProcessRateLimiter({ clock: new HeldClock(), limit: 2 });
    expect(await limiter.take('alice')).to.deep.equal({ allowed: true, limit: 2, remaining: 1, resetSeconds: 60 });
    expect(await limiter.take('alice')).to.deep.equal({ allowed: true, limit: 2, remaining: 0, resetSeconds: 60 });
    expect(await limiter.take('alice')).to.deep.equal({ allowed: false, limit: 2, remaining: 0, resetSeconds: 60 });
  });

  it('counts each sub apart', async () => {
    const limiter = inProcessRateLimiter({ clock: new HeldClock(), limit: 1 });
    expect((await limiter.take('alice')).allowed).to.equal(true);
    expect((await limiter.take('bob')).allowed).to.equal(true);
    expect((await limiter.take('alice')).allowed).to.equal(false);
  });

  it('begins anew when the window has ended, and tells when that is', async () => {
    const clock = new HeldClock();
    const limiter = inProcessRateLimiter({ clock, limit: 1 });
    await limiter.take('alice');
    clock.advance(59_500);
    expect(await limiter.take('alice')).to.include({ allowed: false, resetSeconds: 1 });
    clock.advance(500);
    expect((await limiter.take('alice')).allowed).to.equal(true);
  });

  it('keeps its memory bounded when subs never end', async () => {
    const clock = new HeldClock();
    const limiter = inProcessRateLimiter({ clock, limit: 1, subsMax: 3 });
    for (const sub of ['a', 'b', 'c']) await limiter.take(sub);
    expect((await limiter.take('a')).allowed).to.equal(false);
    await limiter.take('d'); // no room: all are dropped
    expect((await limiter.take('a')).allowed).to.equal(true);
  });
});
