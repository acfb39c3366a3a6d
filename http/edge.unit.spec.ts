import { expect } from 'chai';
import type { Answer } from '../runtime/ask.ts';
import type { FailureCode } from '../kernel/errors.ts';
import { withEdge } from '../test/support/edge-harness.ts';

describe('the edge', () => {
  it('answers 404 to unknown paths and 405 with Allow to unknown methods', () =>
    withEdge({}, async (edge) => {
      for (const path of [
        '/api',
        '/api/v1/orders/',
        '/api/v1/orders/a/b',
        '/api/v1/payments/x',
        '//',
        '/api/v2/orders',
        '/docs/x',
        '/docs/',
        '/DOCS',
        '/API/v1/orders',
        '/%61pi/v1/orders',
        '/api%2Fv1%2Forders',
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

  it('answers methods that nothing has like any other: 405 where there is something, else 404', () =>
    withEdge({}, async (edge) => {
      for (const method of ['PROPFIND', 'TRACE', 'OPTIONS', 'M-SEARCH']) {
        const found = await edge.sendLine(`${method} /docs`);
        expect(found)
          .to.match(/^HTTP\/1.1 405 /)
          .and.match(/\r\nAllow: HEAD, GET\r\n/);
        const missing = await edge.sendLine(`${method} /nothing`);
        expect(missing)
          .to.match(/^HTTP\/1.1 404 /)
          .and.not.match(/\r\nAllow:/i);
      }
      expect(await edge.sendLine('OPTIONS *')).to.match(/^HTTP\/1.1 404 /);
    }));

  it('answers HEAD like GET, without a body, also where there is nothing', () =>
    withEdge({}, async (edge) => {
      for (const path of ['/health/live', '/docs', '/nothing', '/api/v1/orders/x']) {
        const [get, head] = [await edge.send(path), await edge.send(path, { method: 'HEAD' })];
        expect([head.status, head.text]).to.deep.equal([get.status, '']);
        expect(head.headers.get('content-type')).to.equal(get.headers.get('content-type'));
      }
    }));

  it('takes an address with its scheme and host, as a proxy sends it', () =>
    withEdge({}, async (edge) => {
      expect(await edge.sendLine('GET http://x/health/live?a=b')).to.match(/^HTTP\/1.1 200 /);
    }));

  it('refuses an address that can not be read, before it asks who is calling', () =>
    withEdge({}, async (edge) => {
      for (const target of [
        '/%ff',
        '/%',
        '/api/v1/orders/%c3%28',
        '/api/v1/orders/a%00b/cancel',
        '/api/v1/stock/%ed%a0%80',
        'http://[/health/live',
      ]) {
        const reply = await edge.sendLine(`GET ${target}`);
        expect(reply)
          .to.match(/^HTTP\/1.1 400 /)
          .and.include('"code":"validation_failed"')
          .and.include(`"instance":"${target}"`)
          .and.match(/\r\nRequest-Id: /);
      }
      expect(edge.logged.filter((line) => !line.includes('"msg":"request"'))).to.deep.equal([]);
    }));

  it('decodes a variable of the path once, and never finds another route by it', () =>
    withEdge({}, async (edge) => {
      const put = { method: 'PUT', token: edge.tokens.admin, json: { onHand: 1 } };
      expect((await edge.send('/api/v1/stock/a%252Fb', put)).body['productId']).to.equal('a%2Fb');
      expect((await edge.send('/api/v1/stock/%62atch', put)).body['productId']).to.equal('batch');
      expect((await edge.send('/api/v1/stock/batch%2F', put)).body['productId']).to.equal('batch/');
      const cancel = await edge.send('/api/v1/orders/x%2Fcancel', { method: 'POST' });
      expect([cancel.status, cancel.headers.get('allow')]).to.deep.equal([405, 'HEAD, GET, DELETE']);
      // An order is called "customer", and a customer "cancel", as far as a path can tell.
      expect((await edge.send('/api/v1/orders/customer/cancel', { method: 'POST', json: {} })).status).to.equal(400);
      expect((await edge.send('/api/v1/orders/customer/cancel', { token: edge.tokens.admin })).status).to.equal(200);
    }));

  it('says on every answer that it is not to be kept or guessed at, and never what it runs on', () =>
    withEdge({}, async (edge) => {
      const sent = [
        edge.send('/health/live'),
        edge.send('/docs'),
        edge.send('/nothing'),
        edge.send('/docs', { method: 'PUT' }),
        edge.send('/api/v1/orders', { token: null }),
        edge.send('/api/v1/orders'),
      ];
      for (const { headers } of await Promise.all(sent)) {
        expect([headers.get('x-content-type-options'), headers.get('cache-control')]).to.deep.equal([
          'nosniff',
          'no-store',
        ]);
        expect(Number(headers.get('content-length'))).to.be.greaterThan(0);
        expect([headers.has('x-powered-by'), headers.has('server')]).to.deep.equal([false, false]);
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

  it('shows states and times of health, and no details: they quote the database and name machines', async () => {
    const detail = 'connect ECONNREFUSED 10.0.0.7:5432';
    const since = '2026-01-15T12:00:00.000Z';
    const report = { healthy: false, checks: { database: { status: 'down' as const, since, latencyMs: 3, detail } } };
    await withEdge({ health: { live: () => report, ready: () => Promise.resolve(report) } }, async (edge) => {
      for (const path of ['/health/ready', '/health/live']) {
        const { body } = await edge.send(path, { token: null });
        const checks = { database: { status: 'down', since, latencyMs: 3 } };
        expect(body).to.deep.equal({ status: 'unavailable', checks });
      }
    });
  });

  it('counts what failed for reasons of its own: not what a limit or a rule refuses, nor one unreadable record', async () => {
    const path = '/api/v1/orders/019bc186-de00-7a9a-b202-e3cce335a4d4';
    const CASES: readonly (readonly [code: FailureCode, failed: number])[] = [
      ['unavailable', 1],
      ['outcome_unknown', 1],
      ['overloaded', 0],
      ['quarantined', 0],
    ];
    for (const [code, failed] of CASES) {
      const ask = (): Promise<Answer> => Promise.resolve({ kind: 'failed', code, detail: '' });
      await withEdge({ actors: { ask } }, async (edge) => {
        await edge.send(path);
        await edge.send('/nothing');
        expect({ ...edge.edge.answers }, code).to.deep.equal({ answered: 2, failed });
      });
    }
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

  it('answers 500 also when an answer can not be written as JSON', () => {
    const unwritable = { kind: 'done', value: { exists: true, onHand: 1n }, replayed: false, version: 1 } as const;
    const actors = { ask: () => Promise.resolve({ ...unwritable, origin: { shard: 0, seq: 1 } }) };
    return withEdge({ actors }, async (edge) => {
      const reply = await edge.send('/api/v1/stock/P1', { token: edge.tokens.support });
      expect([reply.status, reply.body['code']]).to.deep.equal([500, 'internal']);
      expect(reply.headers.get('content-type')).to.equal('application/problem+json');
      expect(reply.headers.get('request-id')).to.equal(reply.body['requestId']);
    });
  });
});
