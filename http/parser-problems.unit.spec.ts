import { connect, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { orderBody, startEdge, until, type EdgeHarness } from '../test/support/edge-harness.ts';
import { createHttpServer } from './http-server.ts';

const HEAD = 'host: x\r\nconnection: close\r\n';

/** The requests that Node's parser refuses, or answers by itself, and what each must be answered. */
const REFUSED: readonly (readonly [title: string, bytes: string, status: number, code: string])[] = [
  ['bytes that are no HTTP', 'hello\r\n\r\n', 400, 'malformed_request'],
  ['an HTTP version that is none', 'GET / HTTP/9.7\r\n\r\n', 400, 'malformed_request'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'malformed_request'],
  ['a header without a colon', `GET / HTTP/1.1\r\n${HEAD}nonsense\r\n\r\n`, 400, 'malformed_request'],
  [
    'a length beside a transfer coding',
    `POST / HTTP/1.1\r\n${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    400,
    'malformed_request',
  ],
  [
    'a chunk that is none',
    `POST /api/v1/orders HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'malformed_request',
  ],
  ['no Host', 'GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'malformed_request'],
  [
    'headers that are too large',
    `GET / HTTP/1.1\r\n${HEAD}x: ${'x'.repeat(20_000)}\r\n\r\n`,
    431,
    'header_fields_too_large',
  ],
  ['an expectation', `POST / HTTP/1.1\r\n${HEAD}expect: a miracle\r\n\r\n`, 417, 'expectation_failed'],
  ['two Hosts', `GET / HTTP/1.1\r\n${HEAD}host: y\r\n\r\n`, 400, 'malformed_request'],
  [
    'a transfer coding that is not supported',
    `POST /api/v1/orders HTTP/1.1\r\n${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    501,
    'not_implemented',
  ],
  ['a proxy', `CONNECT example.com:443 HTTP/1.1\r\n${HEAD}\r\n`, 405, 'method_not_allowed'],
];

describe('requests that the HTTP parser refuses', () => {
  let edge: EdgeHarness;
  before(async () => {
    edge = await startEdge();
  });
  after(() => edge.close());

  for (const [title, bytes, status, code] of REFUSED) {
    it(`answers ${title} with the problem ${status} ${code}`, async () => {
      const problem = problemIn(await edge.sendBytes(bytes));
      expect([problem.status, problem.body['code']]).to.deep.equal([status, code]);
      expect(problem.headers.get('request-id')).to.equal(problem.body['requestId']);
      expect(problem.headers.get('content-type')).to.equal('application/problem+json');
      expect(problem.headers.get('connection')).to.equal('close');
      expect(problem.headers.get('x-content-type-options')).to.equal('nosniff');
    });
  }

  it('keeps the Request-Id of a request whose headers could be read', async () => {
    const bytes = `POST /x?y=1 HTTP/1.1\r\n${HEAD}request-id: r-7\r\nexpect: a miracle\r\n\r\n`;
    const { body } = problemIn(await edge.sendBytes(bytes));
    expect([body['requestId'], body['instance']]).to.deep.equal(['r-7', '/x']);
  });

  it('takes a request of HTTP/1.0 without Host, and 100-continue', async () => {
    expect(await edge.sendBytes('GET /health/live HTTP/1.0\r\n\r\n')).to.match(/^HTTP\/1.1 200 /);
    const going = `GET /health/live HTTP/1.1\r\n${HEAD}expect: 100-continue\r\n\r\n`;
    expect(await edge.sendBytes(going)).to.match(/^HTTP\/1.1 100 [^]*HTTP\/1.1 200 /);
  });

  /** One order by alice, whole. */
  const wholeOrder = (extra = ''): string => {
    const body = JSON.stringify(orderBody());
    const fields = `authorization: Bearer ${edge.tokens.alice}\r\ncontent-type: application/json\r\n${extra}`;
    return `POST /api/v1/orders HTTP/1.1\r\nhost: x\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
  };

  it('answers what came whole before it answers the bytes behind that are no HTTP', async () => {
    for (const productId of ['P1', 'P2']) {
      await edge.send(`/api/v1/stock/${productId}`, { method: 'PUT', token: edge.tokens.admin, json: { onHand: 99 } });
    }
    const live = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';
    for (const garbage of ['GARBAGE\r\n\r\n', '\x00\x01']) {
      const one = await edge.sendBytes(wholeOrder() + garbage);
      expect(statusesIn(one)).to.deep.equal(['201', '400']);
      expect(statusesIn(await edge.sendBytes(live + live + wholeOrder() + garbage))).to.deep.equal([
        '200',
        '200',
        '201',
        '400',
      ]);
    }
  });

  it('answers a client that has sent all it wants to send and only listens', async () => {
    const socket = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(wholeOrder());
    let received = '';
    for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
    expect(statusesIn(received)).to.deep.equal(['201']);
  });

  it('judges a header that comes after two thousand others', async () => {
    const others = 'a:\r\n'.repeat(2_100);
    expect(
      statusesIn(await edge.sendBytes(wholeOrder(`${others}connection: close\r\nif-match: "v9"\r\n`))),
    ).to.deep.equal(['412']);
  });

  it('answers a request that never ends with 408', async () => {
    const timeouts = { headersMs: 20, requestMs: 20, checkIntervalMs: 10 };
    const server = createHttpServer(edge.edge.handler, edge.leaving, timeouts).listen(0, '127.0.0.1');
    try {
      await until(() => server.listening);
      for (const begun of ['GET / HTT', `POST /api/v1/orders HTTP/1.1\r\n${HEAD}content-length: 9\r\n\r\n{`]) {
        const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
        socket.write(begun);
        let received = '';
        for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
        if (begun.startsWith('GET')) expect(problemIn(received).body['code']).to.equal('request_timeout');
        else expect(received).to.match(/^HTTP\/1.1 (401|408) /);
      }
    } finally {
      server.close();
    }
  });
});

const statusesIn = (received: string): (string | undefined)[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);

function problemIn(received: string) {
  const [head = '', text = ''] = received.split('\r\n\r\n', 2);
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(': ', 2) as [string, string]));
  expect(headers.get('content-length')).to.equal(String(Buffer.byteLength(text)));
  return { status: Number(line.split(' ')[1]), headers, body: JSON.parse(text) as Record<string, unknown> };
}
