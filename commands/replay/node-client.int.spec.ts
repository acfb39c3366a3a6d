/** How replay talks with a node that is busy, away, gone, or does not know it: against a scripted HTTP server. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../../kernel/clock.ts';
import { NodeClient } from './node-client.ts';
import { SendCounts, sendOrders } from './send-orders.ts';
import type { RetailOrder } from './retail-file.ts';

type Script = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

const ORDER_ID = '0190a0b0-0000-7000-8000-000000000001';
const ORDER: RetailOrder = {
  invoiceNo: '536365',
  customerId: '17850',
  country: 'France',
  placedAt: '2010-12-01T08:26:00.000Z',
  lines: [{ productId: 'A', quantity: 1, unitPrice: 255 }],
};

describe('client of a node', () => {
  let server: Server;
  let client: NodeClient;
  let requests: IncomingMessage[];

  async function serve(script: Script, patienceMs = 10_000): Promise<void> {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      request.resume();
      request.once('end', () => script(request, response, requests.length));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = new NodeClient({ baseUrl, token: 'token', connections: 4, patienceMs, clock: systemClock });
  }
  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const answer = (
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const created = (response: ServerResponse, headers: Record<string, string> = {}, body: unknown = {}): void =>
    answer(response, 201, body, { location: `/api/v1/orders/${ORDER_ID}`, ...headers });
  const send = (concurrency = 1, counts = new SendCounts()) =>
    sendOrders(client, [ORDER], counts, {
      concurrency,
      ratePerSecond: undefined,
      clock: systemClock,
      progress: () => undefined,
    });
  const rejection = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'it went well',
      (error: unknown) => (error as Error).message,
    );
  const SETTLED = { status: 'Confirmed', payment: { status: 'Captured' } };

  it('sends a refused request again when the node says, and under the same key', async () => {
    await serve((_request, response, nth) => {
      if (nth === 1) answer(response, 429, { code: 'rate_limited' }, { 'retry-after': '0' });
      else if (nth === 2) answer(response, 503, { code: 'overloaded' }, { 'retry-after': new Date().toUTCString() });
      else created(response, {}, SETTLED);
    });
    const { orderIds } = await send();
    expect(orderIds.get('536365')).to.equal(ORDER_ID);
    expect(client.retries).to.equal(2);
    expect(new Set(requests.map(({ headers }) => headers['idempotency-key']))).to.deep.equal(
      new Set(['retail-invoice-536365']),
    );
  });

  it('repeats what has an unknown outcome: a 504, a broken connection', async () => {
    await serve((request, response, nth) => {
      if (nth === 1) answer(response, 504, { code: 'outcome_unknown' });
      else if (nth === 2) request.socket.destroy();
      else created(response, { 'idempotent-replayed': 'true' }, SETTLED);
    });
    const counts = new SendCounts();
    await send(1, counts);
    expect(counts).to.include({ placed: 0, recognised: 1, refused: 0 });
    expect(requests).to.have.length(3);
  });

  it('one at a time: waits until the order has settled, with its money captured, before it goes on', async () => {
    const bodies = [{ status: 'PaymentPending' }, { status: 'Confirmed', payment: { status: 'Authorized' } }, SETTLED];
    await serve((request, response, nth) => {
      if (request.method === 'POST') created(response, {}, bodies[0]);
      else answer(response, 200, bodies[nth - 1]);
    });
    await send();
    expect(requests.map(({ method }) => method)).to.deep.equal(['POST', 'GET', 'GET']);
    expect(requests[0]?.headers['prefer']).to.equal('wait=30');
  });

  it('many at a time: does not wait', async () => {
    await serve((_request, response) => created(response, {}, { status: 'Created' }));
    await send(8);
    expect(requests).to.have.length(1);
    expect(requests[0]?.headers['prefer']).to.equal(undefined);
  });

  it('keeps a refused order by its invoice, with the reason, and goes on', async () => {
    await serve((_request, response) =>
      answer(response, 422, { code: 'idempotency_mismatch', detail: 'another body' }),
    );
    const counts = new SendCounts();
    const { refused } = await send(8, counts);
    expect(refused).to.deep.equal([
      { invoiceNo: '536365', status: 422, code: 'idempotency_mismatch', detail: 'another body' },
    ]);
    expect(counts.refused).to.equal(1);
  });

  it('gives up with a remedy when nothing gets through for as long as it has patience', async () => {
    await serve((request) => request.socket.destroy(), 150);
    expect(await rejection(send())).to.match(/Nothing got through for \d+ s .*nothing is placed twice/);
  });

  it('ends at once when the node does not take its token', async () => {
    await serve((_request, response) => answer(response, 401, { code: 'unauthenticated' }));
    expect(await rejection(send())).to.match(/does not take our token \(401 unauthenticated\)/);
    expect(requests).to.have.length(1);
  });
});
