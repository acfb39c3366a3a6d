import { expect } from 'chai';
import { withEdge } from '../test/support/edge-harness.ts';

describe('the edge', () => {
  it('answers 404 to unknown paths and 405 with Allow to unknown methods', () =>
    withEdge({}, async (edge) => {
      for (const path of [
        '/',
        '/api',
        '/api/v1/orders/',
        '/api/v1/orders/a/b',
        '/api/v1/payments/x',
        '//',
        '/api/v2/orders',
        '/docs/x',
      ]) {
        const reply = await edge.send(path);
        expect([reply.status, reply.body['code']]).to.deep.equal([404, 'not_found']);
        expect(reply.headers.get('content-type')).to.equal('application/problem+json');
      }
      const id = '019bc186-de00-7a9a-b202-e3cce335a4d4';
      const wrong: readonly (readonly [string, string, string])[] = [
        ['PUT', '/api/v1/orders', 'POST, HEAD, GET'],
        ['DELETE', '/api/v1/orders', 'POST, HEAD, GET'],
        ['PATCH', `/api/v1/orders/${id}`, 'HEAD, GET, DELETE'],
        ['GET', `/api/v1/orders/${id}/cancel`, 'POST'],
        ['POST', '/api/v1/stock/P1', 'PUT, HEAD, GET'],
        ['DELETE', '/api/v1/stock/batch', 'POST, PUT, HEAD, GET'],
        ['OPTIONS', '/health/live', 'HEAD, GET'],
      ];
      for (const [method, path, allow] of wrong) {
        const reply = await edge.send(path, { method });
        expect([reply.status, reply.body['code'], reply.headers.get('allow')]).to.deep.equal([
          405,
          'method_not_allowed',
          allow,
        ]);
      }
    }));

  it('carries a Request-Id on every answer, the one of the request where it is good', () =>
    withEdge({}, async (edge) => {
      for (const path of ['/health/live', '/api/v1/orders', '/nothing', '/docs']) {
        expect((await edge.send(path, { headers: { 'request-id': 'mine-1' } })).headers.get('request-id')).to.equal(
          'mine-1',
        );
        expect((await edge.send(path, { headers: { 'request-id': 'not mine' } })).headers.get('request-id'))
          .to.match(/^[!-~]+$/)
          .and.not.equal('not mine');
      }
      const reply = await edge.send('/nothing', { headers: { 'request-id': 'mine-2' } });
      expect(reply.body).to.include({ requestId: 'mine-2', instance: '/nothing' });
    }));

  it('answers health without a token, 503 when it is not well', async () => {
    await withEdge({}, async (edge) => {
      const live = await edge.send('/health/live', { token: null });
      expect([live.status, live.body]).to.deep.equal([200, { status: 'ok', checks: {} }]);
      const ready = await edge.send('/health/ready', { token: null });
      expect([ready.status, ready.body]).to.deep.equal([200, { status: 'ok', checks: { database: { status: 'up' } } }]);
    });
    const down = { healthy: false, checks: { database: { status: 'down' as const } } };
    await withEdge({ health: { live: () => down, ready: () => Promise.reject(new Error('secret')) } }, async (edge) => {
      expect((await edge.send('/health/live', { token: null })).status).to.equal(503);
      const ready = await edge.send('/health/ready', { token: null });
      expect([ready.status, ready.body]).to.deep.equal([503, { status: 'unavailable', checks: {} }]);
    });
  });

  it('answers an unexpected error with 500 and keeps its cause in the log', () =>
    withEdge({ actors: { ask: () => Promise.reject(new Error('the cause')) } }, async (edge) => {
      const reply = await edge.send('/api/v1/orders/019bc186-de00-7a9a-b202-e3cce335a4d4', {
        headers: { 'request-id': 'r-500' },
      });
      expect([reply.status, reply.body['code'], reply.body['requestId']]).to.deep.equal([500, 'internal', 'r-500']);
      expect(reply.text).not.to.include('the cause');
      expect(edge.logged.some((line) => line.includes('the cause') && line.includes('r-500'))).to.equal(true);
      expect(edge.edge.inFlight()).to.equal(0);
    }));
});
