/** Bodies that come slowly, or never: what they may cost, and that others are served meanwhile. */
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { orderBody, signToken, until, withEdge, type EdgeHarness } from '../test/support/edge-harness.ts';
import { DEFAULT_LIMITS } from './edge-deps.ts';

interface SlowRequest {
  readonly socket: Socket;
  /** All that came so far. */
  received(): string;
}

const TEXT = JSON.stringify(orderBody());

/** Sends the headers and half of the body. */
function sendHalf(edge: EdgeHarness, token: string, framing = `content-length: ${TEXT.length}`): SlowRequest {
  const socket = connect(edge.port, '127.0.0.1').on('error', () => undefined);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  const half = TEXT.slice(0, 50);
  const head = `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json`;
  const body = framing.startsWith('transfer-encoding') ? `${half.length.toString(16)}\r\n${half}\r\n` : half;
  socket.write(`${head}\r\n${framing}\r\n\r\n${body}`);
  return { socket, received: () => received };
}

async function customers(edge: EdgeHarness, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let index = 0; index < count; index++) {
    const token = await signToken({ sub: `customer-${index}`, role: 'customer' }, edge.clock.nowMs());
    tokens.push(token);
  }
  return tokens;
}

const slowBodies = (edge: EdgeHarness, count: number): Promise<void> =>
  until(() => edge.edge.unfinishedBodies() === count);

const unfinishedBodies = (changes: Partial<typeof DEFAULT_LIMITS.unfinishedBodies>) => ({
  unfinishedBodies: { ...DEFAULT_LIMITS.unfinishedBodies, ...changes },
});

describe('a body that comes slowly', () => {
  for (const framing of [`content-length: ${TEXT.length}`, 'transfer-encoding: chunked']) {
    it(`takes no place among the requests that are handled (${framing.split(':')[0]})`, () =>
      withEdge({ limits: { inFlightMax: 10 } }, async (edge) => {
        const tokens = await customers(edge, 10);
        const slow: SlowRequest[] = [];
        for (let round = 1; round <= 20; round++) {
          slow.push(...tokens.map((token) => sendHalf(edge, token, framing)));
          await slowBodies(edge, 10 * round);
        }
        const served = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() });
        expect(served.body['code'], 'P1 never had stock').to.equal('unknown_product');
        expect((await edge.send('/api/v1/orders')).status).to.equal(200);
        for (const { socket } of slow) socket.destroy();
        await until(() => edge.edge.inFlight() === 0);
        expect(edge.edge.unfinishedBodies()).to.equal(0);
      }));
  }

  it('is handled like any other once it is there', () =>
    withEdge({}, async (edge) => {
      const { socket, received } = sendHalf(edge, edge.tokens.alice);
      await slowBodies(edge, 1);
      edge.clock.advance(DEFAULT_LIMITS.unfinishedBodies.deadlineMs - 1);
      socket.write(TEXT.slice(50));
      await until(() => received().includes('unknown_product'));
      socket.destroy();
    }));

  it('is answered 408 at its deadline, however steadily it drips, and its connection is closed', () =>
    withEdge({}, async (edge) => {
      const { socket, received } = sendHalf(edge, edge.tokens.alice);
      await slowBodies(edge, 1);
      edge.clock.advance(DEFAULT_LIMITS.unfinishedBodies.deadlineMs);
      socket.write(TEXT.slice(50, 60));
      await until(() => socket.closed);
      expect(received())
        .to.match(/^HTTP\/1.1 408 /)
        .and.match(/\r\nRequest-Id: /)
        .and.match(/\r\nConnection: close\r\n/)
        .and.include('"code":"request_timeout"');
      expect(edge.edge.inFlight()).to.equal(0);
    }));

  it('is one of a bounded number for each caller; another caller has a number of its own', () =>
    withEdge({ limits: unfinishedBodies({ perCallerMax: 3 }) }, async (edge) => {
      const own = Array.from({ length: 3 }, () => sendHalf(edge, edge.tokens.alice));
      await slowBodies(edge, 3);
      const oneMore = sendHalf(edge, edge.tokens.alice);
      await until(() => oneMore.received() !== '');
      expect(oneMore.received())
        .to.match(/^HTTP\/1.1 429 /)
        .and.match(/\r\nRetry-After: 1\r\n/)
        .and.include('"code":"rate_limited"');
      const whole = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody() });
      expect(whole.body['code'], 'a body that comes with its headers is not counted').to.equal('unknown_product');
      const other = sendHalf(edge, edge.tokens.bob);
      await slowBodies(edge, 4);
      own[0]!.socket.destroy();
      await slowBodies(edge, 3);
      const next = sendHalf(edge, edge.tokens.alice);
      await slowBodies(edge, 4);
      expect([other, next].map(({ received }) => received())).to.deep.equal(['', '']);
    }));

  it('ends when there are too many in all and it is the oldest', () =>
    withEdge({ limits: unfinishedBodies({ totalMax: 4 }) }, async (edge) => {
      const tokens = await customers(edge, 5);
      const oldest = sendHalf(edge, tokens[0]!);
      await slowBodies(edge, 1);
      const others = tokens.slice(1).map((token) => sendHalf(edge, token));
      await until(() => oldest.received() !== '');
      expect(oldest.received())
        .to.match(/^HTTP\/1.1 503 /)
        .and.include('"code":"overloaded"');
      expect(edge.edge.inFlight()).to.equal(4);
      expect(others.map(({ received }) => received())).to.deep.equal(['', '', '', '']);
    }));

  it('is refused when it is there and the places are taken', async () => {
    const waiting: (() => void)[] = [];
    const views = { list: () => new Promise<never[]>((resolve) => waiting.push(() => resolve([]))) };
    await withEdge({ views, limits: { inFlightMax: 1 } }, async (edge) => {
      const slow = sendHalf(edge, edge.tokens.alice);
      await slowBodies(edge, 1);
      const listing = edge.send('/api/v1/orders');
      await until(() => waiting.length === 1);
      slow.socket.write(TEXT.slice(50));
      await until(() => slow.received() !== '');
      expect(slow.received())
        .to.match(/^HTTP\/1.1 503 /)
        .and.match(/\r\nRetry-After: \d/);
      for (const release of waiting) release();
      expect((await listing).status).to.equal(200);
      expect((await edge.send('/api/v1/stock/P1', { token: edge.tokens.admin })).status, 'the place is free').to.equal(
        404,
      );
    });
  });
});
