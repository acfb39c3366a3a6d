import { expect } from 'chai';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ExchangeOutcome, HttpConnection } from './http-connection.ts';

const REQUEST = 'GET / HTTP/1.1\r\n\r\n';

describe('HttpConnection', () => {
  let server: Server;
  let connection: HttpConnection;
  /** What the server does with the next request. */
  let answer: (socket: Socket) => void;
  let accepted: number;

  beforeEach(async () => {
    accepted = 0;
    server = createServer((socket) => {
      accepted++;
      socket.on('data', () => answer(socket));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    connection = new HttpConnection((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    connection.close(new Error('the test is over'));
    await new Promise((resolve) => server.close(resolve));
  });

  function exchange(over = connection): Promise<ExchangeOutcome> {
    return new Promise((resolve) => over.exchange(REQUEST, resolve));
  }

  async function failure(over = connection): Promise<string> {
    const outcome = await exchange(over);
    return outcome instanceof Error ? outcome.message : `answered with ${outcome.status}`;
  }

  it('reads status and body, one exchange after another on one connection', async () => {
    answer = (socket) => void socket.write('HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhallo');
    await connection.open();
    expect(await exchange()).to.deep.equal({ status: 201, body: 'hallo' });
    expect(await exchange()).to.deep.equal({ status: 201, body: 'hallo' });
    expect(accepted).to.equal(1);
  });

  it('puts an answer together from single bytes, also where they cut a character', async () => {
    answer = (socket) => {
      socket.setNoDelay(true);
      const bytes = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\u{1F600}');
      const send = (index: number): void => {
        if (index < bytes.length) socket.write(bytes.subarray(index, index + 1), () => setImmediate(send, index + 1));
      };
      send(0);
    };
    expect(await exchange()).to.deep.equal({ status: 200, body: '\u{1F600}' });
  });

  it('opens a new connection after the server closed one, with or without saying so', async () => {
    answer = (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    expect(await exchange()).to.deep.equal({ status: 200, body: '' });
    answer = (socket) => void socket.destroy();
    expect(await exchange()).to.be.instanceOf(Error);
    answer = (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect(await exchange()).to.deep.equal({ status: 200, body: '' });
    expect(accepted).to.equal(3);
  });

  it('fails an answer whose length is not announced, instead of guessing', async () => {
    answer = (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
    expect(await failure()).to.contain('without Content-Length');
  });

  it('fails the exchange under way when it is closed, with the reason given', async () => {
    answer = () => connection.close(new Error('too slow'));
    expect(await failure()).to.contain('too slow');
  });

  it('says so where no server listens', async () => {
    expect(await failure(new HttpConnection(1))).to.contain('ECONNREFUSED');
  });
});
