import * as hdr from 'hdr-histogram-js';
import { expect } from 'chai';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobPhase, LoadJob, LoadSecond, PhaseCounts } from './messages.ts';
import { ScenarioLoad } from './scenario-load.ts';

const COMPLETE = '{"orderId":"1","status":"Confirmed","payment":{"status":"Captured"}}';

describe('the load of a scenario', function () {
  this.timeout(20_000);
  let server: Server;
  /** What becomes of a request, the first one being 1. */
  let serve: (response: ServerResponse, number: number) => void;
  let inFlight: number;
  let mostInFlight: number;
  let seconds: LoadSecond[];
  let mix: LoadJob['mix'];

  const send = (response: ServerResponse, status: number, body: string): void => {
    inFlight--;
    response.writeHead(status, { 'content-length': body.length }).end(body);
  };

  beforeEach(async () => {
    inFlight = mostInFlight = 0;
    seconds = [];
    mix = { 'place until confirmed': 1 };
    serve = (response) => send(response, 201, COMPLETE);
    let number = 0;
    server = createServer((request, response) => {
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      request.resume().on('end', () => setImmediate(() => serve(response, ++number)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function run(...phases: readonly JobPhase[]): Promise<readonly PhaseCounts[]> {
    const { port } = server.address() as AddressInfo;
    const form = { products: 10, linesPerOrder: 2 };
    const job = {
      port,
      tokens: ['t'],
      adminToken: 'a',
      form,
      mix,
      keyPrefix: 'k',
      phases,
    };
    return await new ScenarioLoad(job, { phase: () => undefined, second: (second) => seconds.push(second) }).run();
  }
  const closed = (length: JobPhase['length'], count: number): JobPhase => ({
    length,
    arrivals: { kind: 'closed', inFlight: count },
  });
  const open = (perSecond: number, length: number): JobPhase => ({
    length: { seconds: length },
    arrivals: { kind: 'open', perSecond, spacing: 'constant' },
  });

  it('a closed loop keeps so many requests under way, never more, until its orders are complete', async () => {
    serve = (response) => setTimeout(() => send(response, 201, COMPLETE), 3);
    const [phase] = await run(closed({ orders: 500 }, 8));
    expect(phase!.orders).to.be.within(500, 508);
    expect(mostInFlight).to.equal(8);
    expect(phase!.operations).to.have.length(1);
    expect(phase!.operations[0]).to.include({ name: 'place until confirmed', refused: 0 });
  });

  it('a closed loop ends after so many answers, also where no order is complete by them', async () => {
    mix = { 'place manually': 1 };
    const [phase] = await run(closed({ answers: 100 }, 4));
    expect(phase!.orders).to.equal(0);
    expect(phase!.operations[0]!.name).to.equal('place manually');
    expect(seconds.reduce((total, { answered }) => total + answered, 0)).to.be.within(100, 104);
  });

  it('an open loop keeps to its schedule while the service stands still, and counts that time as latency', async () => {
    const waiting: ServerResponse[] = [];
    let stands = true;
    const goOn = (): void => {
      stands = false;
      for (const response of waiting) send(response, 201, COMPLETE);
    };
    serve = (response, number) => {
      if (number === 1) setTimeout(goOn, 500);
      if (stands) waiting.push(response);
      else send(response, 201, COMPLETE);
    };
    const [phase] = await run(open(200, 1));
    expect(phase!.orders).to.equal(199);
    expect(mostInFlight, 'no arrival waited for an answer').to.be.at.least(40);
    const latencies = hdr.decodeFromCompressedBase64(phase!.operations[0]!.hdr);
    expect(latencies.maxValue).to.be.at.least(350_000);
    expect(latencies.getValueAtPercentile(75), 'half of them waited, 250 ms in the mean').to.be.within(
      150_000,
      400_000,
    );
  });

  it('counts a request for the phase in which it was due, and every one once', async () => {
    const [first, second] = await run(open(100, 0.5), open(300, 0.5));
    expect(first!.orders).to.equal(49);
    expect(second!.orders).to.equal(150);
    const answered = seconds.reduce((sum, each) => sum + each.answered, 0);
    expect(answered).to.equal(first!.orders + second!.orders);
  });

  it('tells refusals from errors, and counts neither as an order', async () => {
    serve = (response, number) => {
      if (number % 4 === 0) send(response, 503, '{}');
      else if (number % 4 === 1) send(response, 422, '{"code":"unknown_product"}');
      else send(response, 201, COMPLETE);
    };
    const [phase] = await run(closed({ orders: 100 }, 1));
    const [operation] = phase!.operations;
    expect(phase!.orders).to.equal(100);
    expect(operation!.answered).to.equal(100);
    expect(operation!.refused).to.be.within(49, 51);
    expect(operation!.errors).to.have.length(1);
    expect(operation!.errors[0]!.message).to.contain('unknown_product');
    expect(seconds.reduce((sum, each) => sum + each.refused, 0)).to.equal(operation!.refused);
  });

  it('survives a service that is gone: what breaks is an error, and the loop goes on at a walk', async () => {
    serve = (response, number) => {
      if (number > 10) response.destroy();
      else send(response, 201, COMPLETE);
    };
    const [phase] = await run(closed({ seconds: 1 }, 4));
    const errors = phase!.operations[0]!.errors.reduce((sum, { count }) => sum + count, 0);
    expect(phase!.orders).to.equal(10);
    expect(errors).to.be.within(1, 60);
  });
});
