import { connect } from 'node:net';
import { expect } from 'chai';
import { orderBody, until, withEdge } from '../test/support/edge-harness.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { inProcessRateLimiter } from './rate-limiter.ts';

describe('limits of the edge', () => {
  it('counts customers, tells them on every answer, and answers 429 beyond', async () => {
    const clock = new HeldClock();
    await withEdge({ rateLimiter: inProcessRateLimiter({ clock, limit: 2 }) }, async (edge) => {
      const first = await edge.send('/api/v1/orders');
      expect(first.headers.get('ratelimit-policy')).to.equal('"default";q=2;w=60');
      expect(first.headers.get('ratelimit')).to.equal('"default";r=1;t=60');
      const second = await edge.send('/api/v1/orders/x');
      expect([second.status, second.headers.get('ratelimit')]).to.deep.equal([404, '"default";r=0;t=60']);
      const third = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() });
      expect([third.status, third.body['code'], third.headers.get('retry-after')]).to.deep.equal([
        429,
        'rate_limited',
        '60',
      ]);
      expect(third.headers.get('ratelimit')).to.equal('"default";r=0;t=60');
      expect(edge.actors.asks).to.have.length(0);
      expect((await edge.send('/api/v1/orders', { token: edge.tokens.bob })).status).to.equal(200);
      for (let n = 0; n < 3; n++) {
        const staff = await edge.send('/api/v1/orders', { token: edge.tokens.support });
        expect([staff.status, staff.headers.has('ratelimit')]).to.deep.equal([200, false]);
      }
      clock.advance(60_000);
      expect((await edge.send('/api/v1/orders')).status).to.equal(200);
    });
  });

  it('lets requests pass when the rate limiter fails', () =>
    withEdge({ rateLimiter: { windowSeconds: 60, take: () => Promise.reject(new Error('gone')) } }, async (edge) => {
      expect((await edge.send('/api/v1/orders')).status).to.equal(200);
    }));

  it('reads two lists at a time, lets few wait, and refuses the rest without touching orders', async () => {
    const waiting: (() => void)[] = [];
    const views = { list: () => new Promise<never[]>((resolve) => waiting.push(() => resolve([]))) };
    await withEdge({ views }, async (edge) => {
      let refused = 0;
      const lists = Array.from({ length: 40 }, async () => {
        const reply = await edge.send('/api/v1/orders');
        if (reply.status === 503) refused += 1;
        return reply;
      });
      await until(() => refused === 22);
      expect(waiting.length).to.equal(2);
      const placed = await edge.send('/api/v1/stock/P1', {
        method: 'PUT',
        token: edge.tokens.admin,
        json: { onHand: 1 },
      });
      expect(placed.status).to.equal(200);
      for (let released = 0; released < 18; released++) {
        await until(() => waiting.length > 0);
        waiting.shift()?.();
      }
      const replies = await Promise.all(lists);
      const turnedAway = replies.filter(({ status }) => status === 503);
      expect(replies.filter(({ status }) => status === 200)).to.have.length(18);
      expect(turnedAway[0]?.body['code']).to.equal('overloaded');
      expect(Number(turnedAway[0]?.headers.get('retry-after'))).to.be.at.least(1);
    });
  });

  it('refuses requests over the number it handles at a time, before their body, and answers health all the same', async () => {
    const waiting: (() => void)[] = [];
    const views = {
      list: () =>
        new Promise<never[]>((resolve) =>
          waiting.push(() => {
            resolve([]);
          }),
        ),
    };
    await withEdge({ views, limits: { inFlightMax: 2 } }, async (edge) => {
      const slow = [edge.send('/api/v1/orders'), edge.send('/api/v1/orders')];
      await until(() => waiting.length === 2);
      expect(edge.edge.inFlight()).to.equal(2);
      const refused = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() });
      expect([refused.status, refused.body['code']]).to.deep.equal([503, 'overloaded']);
      expect(Number(refused.headers.get('retry-after'))).to.be.at.least(1);
      expect(edge.logged.filter((line) => line.includes('a request was refused before it was read'))).to.have.length(1);
      expect((await edge.send('/health/ready', { token: null })).status).to.equal(200);
      for (const release of waiting) release();
      expect((await Promise.all(slow)).map(({ status }) => status)).to.deep.equal([200, 200]);
      expect(edge.edge.inFlight()).to.equal(0);
    });
  });

  it('bounds the bytes of all bodies under way', () =>
    withEdge({ limits: { bufferedBytesMax: 1000 } }, async (edge) => {
      const reply = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody({ x: 'x'.repeat(2000) }) });
      expect([reply.status, reply.body['code']]).to.deep.equal([503, 'overloaded']);
      expect((await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() })).status).to.equal(422);
    }));

  it('survives a client that goes away in the middle of its body, and while it waits', async () => {
    const waiting: (() => void)[] = [];
    const views = {
      list: () =>
        new Promise<never[]>((resolve) =>
          waiting.push(() => {
            resolve([]);
          }),
        ),
    };
    await withEdge({ views }, async (edge) => {
      const head = `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.alice}\r\ncontent-type: application/json\r\n`;
      const sending = connect(edge.port, '127.0.0.1').on('error', () => undefined);
      sending.write(`${head}content-length: 1000\r\n\r\n{"half": `);
      await until(() => edge.edge.inFlight() === 1);
      sending.destroy();
      await until(() => edge.edge.inFlight() === 0);
      const listing = connect(edge.port, '127.0.0.1').on('error', () => undefined);
      listing.write(`GET /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.alice}\r\n\r\n`);
      await until(() => waiting.length === 1);
      listing.destroy();
      const another = connect(edge.port, '127.0.0.1').on('error', () => undefined);
      another.write(`GET /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.alice}\r\n\r\n`);
      await until(() => waiting.length === 2);
      another.resetAndDestroy();
      await until(() => edge.logged.some((line) => line.includes('a connection broke')));
      for (const release of waiting) release();
      await until(() => edge.edge.inFlight() === 0);
      expect((await edge.send('/health/live')).status).to.equal(200);
      expect(edge.logged.filter((line) => line.includes('"level":50'))).to.deep.equal([]);
    });
  });

  it('lets a connection be used again after a refused body', () =>
    withEdge({}, async (edge) => {
      const socket = connect(edge.port, '127.0.0.1');
      let received = '';
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      const body = 'x'.repeat(300_000);
      const post = (token: string): string =>
        `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      socket.write(post('bad.bad.bad') + post(edge.tokens.alice) + 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
      await until(() => received.includes('"status":"ok"'));
      socket.destroy();
      expect([...received.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).to.deep.equal([
        '401',
        '415',
        '200',
      ]);
    }));

  it('cuts a connection whose refused body does not end', () =>
    withEdge({ limits: { bodyBytesMax: 1000 } }, async (edge) => {
      for (const path of ['/nothing', '/api/v1/orders', '/health/live']) {
        const socket = connect(edge.port, '127.0.0.1').on('error', () => undefined);
        let received = '';
        socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
        socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`);
        await until(() => {
          if (!socket.closed && received !== '') socket.write('x'.repeat(500));
          return socket.closed;
        });
        expect(received).to.match(/^HTTP\/1.1 40[145] /);
      }
      expect(edge.edge.inFlight()).to.equal(0);
    }));
});
