import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Outcome } from './history.ts';
import { HttpClient, outcomeOf } from './http-client.ts';

const CALL = { method: 'POST', path: '/api/v1/orders', token: 't', body: { a: 1 }, key: 'k', waitSeconds: 3 } as const;

describe("a client's view of one exchange", () => {
  let server: Server;
  let port: number;
  let onRequest: (socket: Socket, text: string) => void;
  let client: HttpClient;

  beforeEach(async () => {
    client = new HttpClient();
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => onRequest(socket, chunk.toString()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => {
    client.close();
    server.close();
  });

  it('is the answer, with its status and body', async () => {
    let request = '';
    onRequest = (socket, text) => {
      request = text;
      socket.write('HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{"b": 2}');
    };
    expect(await client.send(port, CALL)).to.deep.equal({ kind: 'answer', status: 201, body: { b: 2 } });
    expect(request).to.match(/idempotency-key: k\r\n/i);
    expect(request).to.match(/prefer: wait=3\r\n/i);
    expect(request).to.match(/\{"a":1\}$/);
  });

  it('is "refused" only where no server listens', async () => {
    server.close();
    await once(server, 'close');
    expect(await client.send(port, CALL)).to.deep.equal({ kind: 'refused' });
  });

  it('is "lost" where the connection breaks after the request was sent', async () => {
    onRequest = (socket) => socket.resetAndDestroy();
    expect((await client.send(port, CALL)).kind).to.equal('lost');
  });

  it('is "lost" where the connection ends without an answer', async () => {
    onRequest = (socket) => socket.end();
    expect((await client.send(port, CALL)).kind).to.equal('lost');
  });

  it('is "lost" where an answer breaks off in its middle', async () => {
    onRequest = (socket) => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{"b"');
    expect((await client.send(port, CALL)).kind).to.equal('lost');
  });

  const OUTCOMES: readonly (readonly [status: number, outcome: Outcome])[] = [
    [200, 'ok'],
    [201, 'ok'],
    [202, 'ok'],
    [400, 'failed'],
    [409, 'failed'],
    [429, 'failed'],
    [503, 'failed'],
    [500, 'unknown'],
    [502, 'unknown'],
    [504, 'unknown'],
  ];
  for (const [status, outcome] of OUTCOMES) {
    it(`takes ${status} for ${outcome}`, () => {
      expect(outcomeOf({ kind: 'answer', status, body: undefined })).to.equal(outcome);
    });
  }

  it('takes a refused connection for a failure, and a lost one for nothing that is known', () => {
    expect(outcomeOf({ kind: 'refused' })).to.equal('failed');
    expect(outcomeOf({ kind: 'lost', reason: '' })).to.equal('unknown');
  });
});
