import { expect } from 'chai';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClosedLoop, type ClosedLoopListener } from './closed-loop.ts';
import type { JobEnd, LoadResult } from './messages.ts';

const COMPLETE = { status: 201, body: { status: 'Confirmed', payment: { status: 'Captured' } } };
const silent: ClosedLoopListener = { windowOpened: () => {}, windowClosed: () => {}, progress: () => {} };

describe('ClosedLoop', () => {
  let server: Server;
  let answer: (request: IncomingMessage) => { status: number; body: unknown };
  let inFlight: number;
  let mostInFlight: number;

  beforeEach(async () => {
    inFlight = mostInFlight = 0;
    answer = () => COMPLETE;
    server = createServer((request, response) => {
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      request.resume().on('end', () =>
        setImmediate(() => {
          inFlight--;
          const { status, body } = answer(request);
          const text = JSON.stringify(body);
          response.writeHead(status, { 'content-length': text.length }).end(text);
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function run(end: JobEnd, listener = silent, concurrency = 8): Promise<LoadResult> {
    const { port } = server.address() as AddressInfo;
    const form = { products: 10, linesPerOrder: 2 };
    return await new ClosedLoop({ port, concurrency, tokens: ['t'], form, keyPrefix: 'k', end }, listener).run();
  }

  it('sends exactly as many orders as it is told, never more at once than it may', async () => {
    const result = await run({ kind: 'after-orders', orders: 500 });
    expect(result).to.deep.include({ orders: 500, errors: [] });
    expect(result.window.orders).to.equal(500);
    expect(mostInFlight).to.be.at.most(8);
  });

  it('needs no more connections than orders', async () => {
    expect((await run({ kind: 'after-orders', orders: 3 })).orders).to.equal(3);
  });

  it('counts in its window only what was answered between warm-up and end, one latency each', async () => {
    const heard: string[] = [];
    let answered = 0;
    let answeredBefore = 0;
    let answeredAtEnd = 0;
    answer = () => {
      answered++;
      return COMPLETE;
    };
    const result = await run(
      { kind: 'after-time', warmUpMs: 60, measureMs: 60 },
      {
        windowOpened: () => {
          heard.push('opened');
          answeredBefore = answered;
        },
        windowClosed: () => {
          heard.push('closed');
          answeredAtEnd = answered;
        },
        progress: () => {},
      },
    );
    expect(heard).to.deep.equal(['opened', 'closed']);
    expect(result.window.latenciesUs).to.have.length(result.window.orders);
    // The server is up to one order a connection ahead of what the load has read.
    expect(result.window.orders).to.be.within(answeredAtEnd - answeredBefore - 8, answeredAtEnd - answeredBefore + 8);
    expect(result.orders).to.equal(answered);
  });

  it('reports what was not complete, and neither counts it nor times it', async () => {
    let requests = 0;
    answer = () => (++requests % 10 === 0 ? { status: 503, body: { code: 'overloaded' } } : COMPLETE);
    const result = await run({ kind: 'after-orders', orders: 100 });
    expect(result.errors).to.deep.equal([{ message: 'answer 503: overloaded', count: 10 }]);
    expect(result.orders).to.equal(90);
    expect(result.window.latenciesUs).to.have.length(90);
  });

  it('gives up on a service that only fails, long before its time is over', async () => {
    answer = () => ({ status: 500, body: { code: 'defect' } });
    const result = await run({ kind: 'after-time', warmUpMs: 600_000, measureMs: 600_000 });
    expect(result.orders).to.equal(0);
    // Those in flight when the hundredth failed are still heard.
    expect(result.errors[0]!.count).to.be.within(100, 108);
  });
});
