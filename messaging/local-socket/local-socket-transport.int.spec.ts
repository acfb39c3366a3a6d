/** What is the sockets' own: how they fail. What every transport promises: test/contract/peer-transport.int.spec.ts. */
import { expect } from 'chai';
import { createServer, type Server } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Ask, ShardAnswer } from '../../runtime/ask.ts';
import { codeOf, command, done, read } from '../../test/support/asks.ts';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { LocalSocketTransport, type Receive } from './local-socket-transport.ts';

describe('local socket transport', () => {
  let folder: string;
  let clock: HeldClock;
  let transports: LocalSocketTransport[];
  let servers: Server[];
  let members: Set<string>;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hf-sock-'));
    clock = new HeldClock();
    transports = [];
    servers = [];
    members = new Set(['w0', 'w1']);
  });
  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    await rm(folder, { recursive: true, force: true });
  });

  const pathOf = (worker: string): string => path.join(folder, `${worker}.sock`);
  const open = async (
    worker: string,
    receive: Receive = (ask, _internal, reply) => reply(done(ask.to)),
  ): Promise<LocalSocketTransport> => {
    const transport = new LocalSocketTransport({
      path: pathOf(worker),
      pathOf: (peer) => (members.has(peer) ? pathOf(peer) : undefined),
      receive,
      clock,
    });
    transports.push(transport);
    await transport.listen();
    return transport;
  };
  const ask = (transport: LocalSocketTransport, owner: string, each: Ask, internal = false): Promise<ShardAnswer> =>
    new Promise((resolve) => transport.ask(owner, each, internal, resolve));

  it('when the peer dies it is unknown whether a command was applied, a read was not; each is answered once', async () => {
    let received = 0;
    const peer = await open('w1', () => received++);
    const sender = await open('w0');
    const heard: string[] = [];
    sender.ask('w1', command(), false, (answer) => heard.push(`command ${codeOf(answer)}`));
    sender.ask('w1', read(), false, (answer) => heard.push(`read ${codeOf(answer)}`));
    await waitUntil('both are there', () => received === 2);
    await peer.close();
    await waitUntil('both are answered', () => heard.length === 2);
    clock.advance(60_000);
    await waitUntil('a sweep has passed', async () => {
      await turns(1);
      return codeOf(await ask(sender, 'w1', read())) === 'elsewhere, applied no';
    });
    expect(heard).to.have.members(['command elsewhere, applied unknown', 'read elsewhere, applied no']);
  });

  it('a peer that talks nonsense is cut off; its asks are answered', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff])));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path.join(folder, 'w1.sock'), resolve));
    const sender = await open('w0');
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('elsewhere, applied unknown');
  });

  it('takes over the socket that a killed predecessor left behind', async () => {
    const abandoned = createServer();
    await new Promise<void>((resolve) => abandoned.listen(path.join(folder, 'w1.sock'), resolve));
    abandoned.unref();
    servers.push(abandoned);
    await open('w1');
    const sender = await open('w0');
    expect(codeOf(await ask(sender, 'w1', read()))).to.equal('done');
  });
});
