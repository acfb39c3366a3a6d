import { createConnection, type Socket } from 'node:net';
import { expect } from 'chai';
import { startEdge, until, type EdgeHarness } from '../test/support/edge-harness.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { placedOrder, orderIdOf } from '../test/support/order-states.ts';
import { LeavingAnswers } from './leaving-answers.ts';

const STALL_MS = 30_000;
const RATE = 1_000_000;

/** A page that no socket's buffers hold. */
const hugeViews = {
  list: () =>
    Promise.resolve([
      {
        state: placedOrder(orderIdOf(1), {}, { externalReference: 'x'.repeat(16_000_000) }),
        version: 1,
        origin: { shard: 0, seq: 2 },
      },
    ] as never[]),
};

describe('answers on their way out', () => {
  const clock = new HeldClock();
  let leaving: LeavingAnswers;
  let edge: EdgeHarness;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    leaving = new LeavingAnswers(clock, { stallMs: STALL_MS, bytesPerSecondMin: RATE, bytesMax: 20_000_000 });
    edge = await startEdge({ clock, leaving, views: hugeViews, limits: { inFlightMax: 2 } });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await edge.close();
  });

  /** Asks for the page, and reads nothing until it is resumed. */
  const ask = async (): Promise<Socket> => {
    const socket = createConnection(edge.port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.pause();
    const open = [...leaving.open()].length;
    socket.write(`GET /api/v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.support}\r\n\r\n`);
    await until(() => [...leaving.open()].filter(({ writableEnded }) => writableEnded).length > open);
    clock.advance(100); // a count is kept for a moment
    return socket;
  };

  it('count as in flight until they have left', async () => {
    const socket = await ask();
    expect([edge.edge.inFlight(), leaving.count]).to.deep.equal([1, 1]);
    socket.resume();
    await until(() => [...leaving.open()].length === 0);
    clock.advance(100);
    expect([edge.edge.inFlight(), leaving.count]).to.deep.equal([0, 0]);
  });

  it('fill the limit of requests, and have it back when their client is gone', async () => {
    const slow = [await ask(), await ask()];
    expect((await edge.send('/api/v1/orders/x')).body['code']).to.equal('overloaded');
    for (const socket of slow) socket.destroy();
    await until(() => [...leaving.open()].length === 0);
    clock.advance(100);
    expect((await edge.send('/api/v1/orders/x')).status).to.equal(404);
  });

  it('end with their connection, also those that wait behind another of it', async () => {
    const waiting: (() => void)[] = [];
    const views = { list: () => new Promise<never[]>((resolve) => waiting.push(() => resolve([]))) };
    await edge.close();
    edge = await startEdge({ clock, leaving, views, limits: { inFlightMax: 8 } });
    const get = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${edge.tokens.support}\r\n\r\n`;
    const socket = createConnection(edge.port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write(get('/api/v1/orders') + get('/health/live').repeat(12));
    await until(() => waiting.length === 1 && [...leaving.open()].length === 13);
    clock.advance(100);
    expect((await edge.send('/api/v1/orders/x')).body['code'], 'they count').to.equal('overloaded');
    socket.resetAndDestroy();
    await until(() => [...leaving.open()].length === 0);
    for (const release of waiting) release();
    await until(() => (clock.advance(100), edge.edge.inFlight() === 0));
    expect((await edge.send('/api/v1/orders/x')).status).to.equal(404);
  });

  it('are so many of a connection, and one more ends it', async () => {
    const get = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
    const received = await edge.sendBytes(get.repeat(40));
    const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    expect(statuses).to.deep.equal([...Array.from({ length: 16 }, () => '200'), '503']);
    expect(received)
      .to.include('Too many requests wait on this connection')
      .and.match(/retry-after: 1/i);
  });

  it('fill the limit of bytes', async () => {
    await edge.close();
    edge = await startEdge({ clock, leaving, views: hugeViews });
    await ask();
    expect(leaving.full).to.equal(false);
    await ask();
    expect(leaving.full).to.equal(true);
    expect((await edge.send('/api/v1/orders/x')).body['code']).to.equal('overloaded');
    expect((await edge.send('/health/live', { token: null })).status).to.equal(200);
  });

  it('lose their connection when the client takes too little of them', async () => {
    const socket = await ask();
    leaving.sweep();
    const mayTakeMs = STALL_MS + 16_000; // 16 MB at the rate that is asked for
    clock.advance(mayTakeMs - 200);
    leaving.sweep();
    expect([...leaving.open()]).to.have.length(1);
    clock.advance(1_000);
    leaving.sweep();
    await until(() => [...leaving.open()].length === 0);
    socket.resume();
    await until(() => socket.closed);
  });

  it('lose their connection when nothing of them leaves for the whole time-out', async () => {
    const impatient = new LeavingAnswers(clock, { stallMs: 50 });
    await edge.close();
    edge = await startEdge({ clock, leaving: impatient, views: hugeViews });
    leaving = impatient;
    await ask();
    leaving.sweep();
    await until(() => [...leaving.open()].length === 0); // the clock of the deadline stands still: it was the socket's
  });

  it('leave a client that is slow, but reads, alone', async () => {
    const socket = await ask();
    leaving.sweep();
    clock.advance(1_000);
    leaving.sweep();
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
    await until(() => bytes > 16_000_000);
    await until(() => [...leaving.open()].length === 0);
    expect(socket.destroyed).to.equal(false);
  });
});
