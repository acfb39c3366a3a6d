import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { waitUntil } from '../../test/support/wait-until.ts';
import { DatabaseProxy } from './database-proxy.ts';
import { SYNC_BYTES } from './database-session.ts';

/** Long enough for loopback to have delivered what it is going to deliver. */
const NOTHING_CAME_MS = 100;

/** A session's first message, as a driver sends it. */
function startup(applicationName: string): Buffer {
  const texts = Buffer.from(`user\0holdfast\0application_name\0${applicationName}\0\0`);
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + texts.length, 0);
  header.writeInt32BE(196_608, 4);
  return Buffer.concat([header, texts]);
}

describe('the proxy before PostgreSQL', () => {
  let folder: string;
  let server: Server;
  let proxy: DatabaseProxy;
  let serverSide: Socket;
  let atServer = '';
  let atClient = '';
  let client: Socket;
  let clientClosed = false;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-proxy-'));
    atServer = atClient = '';
    clientClosed = false;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      serverSide = socket;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => (atServer += chunk.toString('latin1')));
    });
    server.listen(path.join(folder, 'socket'));
    await once(server, 'listening');
    proxy = await DatabaseProxy.open({ path: path.join(folder, 'socket') });
    await openSession('holdfast/w0-1/journal');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function openSession(name: string): Promise<void> {
    client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.on('close', () => (clientClosed = true));
    client.on('data', (chunk: Buffer) => (atClient += chunk.toString('latin1')));
    client.write(startup(name));
    await waitUntil('the session to open', () => atServer.includes(name));
    atServer = '';
  }

  const session = () => proxy.connections[0]!;

  it('passes bytes on, both ways', async () => {
    client.write('question');
    await waitUntil('the question', () => atServer === 'question');
    serverSide.write('answer');
    await waitUntil('the answer', () => atClient === 'answer');
  });

  it('knows a session by the name that it opened with', () => {
    expect(proxy.connections.map(({ name }) => name)).to.deep.equal(['holdfast/w0-1/journal']);
    expect(proxy.journalSessions).to.have.length(1);
  });

  it('passes on that either side hung up', async () => {
    client.end();
    await once(serverSide, 'end');
    serverSide.end();
    await waitUntil('the client to be closed', () => clientClosed);
    await waitUntil('the connection to be forgotten', () => proxy.connections.length === 0);
  });

  it('delays each direction by itself, in order', async () => {
    proxy.delay(150, 0);
    client.write('a');
    client.write('b');
    serverSide.write('answer');
    await waitUntil('the answer', () => atClient === 'answer');
    expect(atServer, 'the way there is the slower one').to.equal('');
    await waitUntil('both bytes', () => atServer === 'ab');
  });

  it('cuts both sides at once', async () => {
    session().cut();
    await waitUntil('the client to be closed', () => clientClosed);
    await waitUntil('the server to be closed', () => serverSide.readableEnded || serverSide.destroyed);
  });

  it('holds bytes in a black hole, and delivers them when it closes: even the end of a client that left', async () => {
    proxy.openBlackHole('held');
    client.write('late');
    client.end();
    await sleep(NOTHING_CAME_MS);
    expect(atServer).to.equal('');
    expect(serverSide.readableEnded).to.equal(false);
    proxy.closeBlackHole();
    await waitUntil('the late bytes', () => atServer === 'late');
    await waitUntil('the end', () => serverSide.readableEnded);
  });

  it('swallows bytes in a black hole, and ends the session when it closes: what is missing stays missing', async () => {
    proxy.openBlackHole('swallowed');
    client.write('gone');
    await sleep(NOTHING_CAME_MS);
    expect(clientClosed).to.equal(false);
    proxy.closeBlackHole();
    await waitUntil('the client to be closed', () => clientClosed);
    expect(atServer).to.equal('');
  });

  it('ends a session that was swallowed, whatever black hole came after', async () => {
    proxy.openBlackHole('swallowed');
    proxy.openBlackHole('held');
    proxy.closeBlackHole();
    await waitUntil('the client to be closed', () => clientClosed);
  });

  it('leaves a session alone that opens after the black hole', async () => {
    proxy.openBlackHole('held');
    proxy.closeBlackHole();
    client.write('question');
    await waitUntil('the question', () => atServer === 'question');
  });

  it('lets a statement through and cuts before its answer', async () => {
    let isDone = false;
    session().cutNextAnswer(() => (isDone = true));
    client.write('statement');
    await waitUntil('the statement', () => atServer === 'statement');
    expect(clientClosed).to.equal(false);
    serverSide.write('committed');
    await waitUntil('the client to be closed', () => clientClosed);
    expect(atClient).to.equal('');
    expect(isDone).to.equal(true);
  });

  it('does not cut an answer to what was asked before', async () => {
    client.write('before');
    await waitUntil('the statement', () => atServer === 'before');
    session().cutNextAnswer(() => undefined);
    serverSide.write('answer');
    await waitUntil('the answer', () => atClient === 'answer');
    expect(clientClosed).to.equal(false);
  });

  for (const pieces of [['statement-Sync!'], ['state', 'ment-Sync!'], ['statement-Sy', 'nc!']]) {
    it(`withholds the last bytes of a statement in ${pieces.length} pieces: ${pieces.join(' | ')}`, async () => {
      let hasBegun = false;
      session().withholdNextStatement(() => (hasBegun = true));
      for (const piece of pieces) {
        client.write(piece);
        await sleep(5);
      }
      const whole = pieces.join('');
      await waitUntil('all but the last bytes', () => atServer === whole.slice(0, -SYNC_BYTES));
      await sleep(NOTHING_CAME_MS);
      expect(atServer).to.equal(whole.slice(0, -SYNC_BYTES));
      expect(hasBegun).to.equal(true);
      serverSide.write('notice');
      await sleep(NOTHING_CAME_MS);
      expect(atClient, 'the client hangs too').to.equal('');
      session().endWithholding('delivered');
      await waitUntil('the rest', () => atServer === whole);
      await waitUntil('what the server said meanwhile', () => atClient === 'notice');
    });
  }

  it('keeps the server waiting when the client of a withheld statement leaves', async () => {
    session().withholdNextStatement(() => undefined);
    client.write('statement-Sync!');
    await waitUntil('the beginning', () => atServer !== '');
    await sleep(NOTHING_CAME_MS);
    client.end('Terminate');
    await sleep(NOTHING_CAME_MS);
    expect(atServer).to.equal('statement-');
    expect(serverSide.readableEnded).to.equal(false);
    session().endWithholding('delivered');
    await waitUntil('the rest', () => atServer === 'statement-Sync!Terminate');
    await waitUntil('the end', () => serverSide.readableEnded);
  });

  it('can end a withheld statement for good', async () => {
    session().withholdNextStatement(() => undefined);
    client.write('statement-Sync!');
    await waitUntil('the beginning', () => atServer !== '');
    session().endWithholding('cut');
    await waitUntil('the client to be closed', () => clientClosed);
    expect(atServer).to.equal('statement-');
  });

  it('closes a client whose server is gone', async () => {
    server.close();
    serverSide.destroy();
    await waitUntil('the client to be closed', () => clientClosed);
    const refused = connect(proxy.port, '127.0.0.1');
    refused.on('error', () => undefined);
    await once(refused, 'close');
  });
});
