import { mock } from 'node:test';
import { expect } from 'chai';
import { createLogger } from '../kernel/logger.ts';
import { orderBody, startEdge, type EdgeHarness } from '../test/support/edge-harness.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { AccessLog } from './access-log.ts';

describe('the access log', () => {
  let edge: EdgeHarness;
  beforeEach(async () => {
    edge = await startEdge();
  });
  afterEach(() => edge.close());

  const lines = () =>
    edge.logged
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'request')
      .map(({ level, method, route, status, ms, sub, requestId, dropped }) => ({
        level,
        method,
        route,
        status,
        ms,
        sub,
        requestId,
        ...(dropped !== undefined && { dropped }),
      }));

  it('has one line a request: the route and not the address, no query, who, and the request id', async () => {
    const path = '/api/v1/orders/019bc186-de00-7a9a-b202-e3cce335a4d4';
    await edge.send(path, { headers: { 'request-id': 'r-1' } });
    await edge.send('/api/v1/orders?status=Created&customerId=alice', { headers: { 'request-id': 'r-2' } });
    await edge.send('/api/v1/nothing/secret', { headers: { 'request-id': 'r-3' } });
    await edge.send(path, { token: null, headers: { 'request-id': 'r-4' } });
    const common = { level: 30, method: 'GET', ms: 0, sub: 'alice' };
    expect(lines()).to.deep.equal([
      { ...common, route: '/api/v1/orders/{orderId}', status: 404, requestId: 'r-1' },
      { ...common, route: '/api/v1/orders', status: 200, requestId: 'r-2' },
      { ...common, route: 'none', status: 404, sub: undefined, requestId: 'r-3' },
      { ...common, route: '/api/v1/orders/{orderId}', status: 401, sub: undefined, requestId: 'r-4' },
    ]);
    expect(edge.logged.join('')).not.to.match(/secret|019bc186|customerId/);
  });

  it('says nothing of bodies', async () => {
    await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() });
    expect(edge.logged.join('')).not.to.match(/High Street|tok_visa/);
  });

  it('leaves health checks to the level debug', async () => {
    for (const path of ['/health/live', '/health/ready']) await edge.send(path, { token: null });
    expect(lines().map(({ level, route }) => [level, route])).to.deep.equal([
      [20, '/health/live'],
      [20, '/health/ready'],
    ]);
  });

  it('has at most 100 lines a second, always those of failures, and says how many it left out', async () => {
    for (let request = 0; request < 103; request++) await edge.send('/api/v1/orders');
    edge.actors.failNext('unavailable');
    await edge.send('/api/v1/orders/019bc186-de00-7a9a-b202-e3cce335a4d4');
    await edge.send('/api/v1/orders');
    expect(lines()).to.have.length(101);
    expect(lines().at(-1)).to.include({ status: 503, dropped: 3 });
    edge.clock.advance(1_000);
    for (let request = 0; request < 2; request++) await edge.send('/api/v1/orders');
    expect(
      lines()
        .slice(101)
        .map(({ dropped }) => dropped),
    ).to.deep.equal([1, undefined]);
  });

  it('counts what is refused before it is read: one line at once, then one with the number', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const clock = new HeldClock();
      const written: string[] = [];
      const destination = { write: (line: string) => void written.push(line) };
      const access = new AccessLog(createLogger({ level: 'info', base: {}, destination, clock }), clock, []);
      for (let request = 0; request < 5_000; request++) access.refusedAtDoor();
      expect(written).to.have.length(1);
      clock.advance(10_000);
      mock.timers.tick(1_000);
      expect(written).to.have.length(2);
      expect(JSON.parse(written[1]!)).to.include({ times: 4_999, status: 503, level: 'warn' });
    } finally {
      mock.timers.reset();
    }
  });
});
