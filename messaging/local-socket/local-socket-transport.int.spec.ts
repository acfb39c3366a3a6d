/** Asks between workers over real sockets, and every way in which a peer can fail to answer. */
import { expect } from 'chai';
import { createServer, type Server } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Answer, Ask, ShardAnswer } from '../../actors/ask.ts';
import type { ShardReply } from '../../actors/entity/entity-host.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { LocalSocketTransport, type Receive } from './local-socket-transport.ts';

const command = (name = 'a', timeoutMs = 10_000): Ask => ({
  to: `stk_${name}`,
  command: { type: 'Do' },
  commandId: name,
  until: 'durable',
  timeoutMs,
});
const read = (name = 'a', timeoutMs = 10_000): Ask => ({
  to: `stk_${name}`,
  commandId: '',
  until: 'durable',
  timeoutMs,
});
const done = (value: unknown): Answer => ({
  kind: 'done',
  value,
  replayed: false,
  version: 1,
  origin: { shard: 0, seq: 1 },
});

describe('local socket transport', () => {
  let folder: string;
  let clock: ManualClock;
  let transports: LocalSocketTransport[];
  let servers: Server[];
  let members: Set<string>;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hf-sock-'));
    clock = new ManualClock();
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
      monotonicMs: () => clock.monotonicMs(),
    });
    transports.push(transport);
    await transport.listen();
    return transport;
  };
  const ask = (transport: LocalSocketTransport, owner: string, each: Ask, internal = false): Promise<ShardAnswer> =>
    new Promise((resolve) => transport.ask(owner, each, internal, resolve));
  const codeOf = (answer: ShardAnswer): string => {
    if (answer.kind === 'elsewhere') return `elsewhere, applied ${answer.applied}`;
    return answer.kind === 'failed' ? answer.code : answer.kind;
  };

  it('carries an ask and its answer, whole', async () => {
    const seen: [Ask, boolean][] = [];
    await open('w1', (each, internal, reply) => {
      seen.push([each, internal]);
      reply({ kind: 'rejected', refusal: { code: 'hold_barred', text: 'ä😀' } as never });
    });
    const sender = await open('w0');
    const each = { ...command('ä😀'), fingerprint: 'f' };
    expect(await ask(sender, 'w1', each, true)).to.deep.equal({
      kind: 'rejected',
      refusal: { code: 'hold_barred', text: 'ä😀' },
    });
    expect(seen).to.deep.equal([[each, true]]);
  });

  it('keeps the order of asks, and matches answers that come in another', async () => {
    const seen: string[] = [];
    const replies: ShardReply[] = [];
    await open('w1', (each, _internal, reply) => {
      seen.push(each.to);
      replies.push(() => reply(done(each.to)));
      if (replies.length === 100) for (const late of replies.toReversed()) late(done(undefined));
    });
    const sender = await open('w0');
    const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
    const answers = await Promise.all(names.map((name) => ask(sender, 'w1', command(name))));
    expect(seen).to.deep.equal(names.map((name) => `stk_${name}`));
    expect(answers.map((answer) => answer.kind === 'done' && answer.value)).to.deep.equal(seen);
  });

  it('answers 20,000 asks each exactly once', async function () {
    this.timeout(20_000);
    await open('w1');
    const sender = await open('w0');
    const counts = new Uint8Array(20_000);
    let answered = 0;
    for (let index = 0; index < counts.length; index++) {
      sender.ask('w1', command(String(index)), false, () => {
        counts[index]!++;
        answered++;
      });
    }
    await waitUntil(
      'all are answered',
      () => answered === counts.length,
      () => answered,
    );
    await turns(10);
    expect(counts.every((count) => count === 1)).to.equal(true);
  });

  it('when the peer is absent nothing was applied: the shard’s next owner is to be asked', async () => {
    const sender = await open('w0');
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('elsewhere, applied no');
    expect(codeOf(await ask(sender, 'w1', read()))).to.equal('elsewhere, applied no');
    expect(codeOf(await ask(sender, 'nobody', command()))).to.equal('elsewhere, applied no');
  });

  it('finds a peer that came later, or was replaced', async () => {
    const sender = await open('w0');
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('elsewhere, applied no');
    const first = await open('w1');
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('done');
    await first.close();
    await open('w1');
    await waitUntil('the new one answers', async () => codeOf(await ask(sender, 'w1', read())) === 'done');
  });

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

  it('when the answer is late its asker has been told: unknown for a command, unavailable for a read', async () => {
    const late: ShardReply[] = [];
    await open('w1', (_ask, _internal, reply) => late.push(reply));
    const sender = await open('w0');
    const heard: string[] = [];
    sender.ask('w1', command('a', 1_000), false, (answer) => heard.push(`command ${codeOf(answer)}`));
    sender.ask('w1', read('a', 1_000), false, (answer) => heard.push(`read ${codeOf(answer)}`));
    sender.ask('w1', command('b', 5_000), false, (answer) => heard.push(`patient ${codeOf(answer)}`));
    await waitUntil('all are there', () => late.length === 3);
    clock.advance(1_500);
    await waitUntil('the first two have run out', () => heard.length === 2);
    expect(heard).to.have.members(['command outcome_unknown', 'read unavailable']);
    for (const reply of late) reply(done(1));
    await waitUntil('the patient one is answered', () => heard.length === 3);
    expect(heard.at(-1)).to.equal('patient done');
  });

  it('carries a peer’s word that the shard is served elsewhere: whom to ask then is not its business', async () => {
    await open('w1', (_ask, _internal, reply) => reply({ kind: 'elsewhere', applied: 'unknown', detail: 'lost' }));
    const sender = await open('w0');
    expect(await ask(sender, 'w1', command(), true)).to.deep.equal({
      kind: 'elsewhere',
      applied: 'unknown',
      detail: 'lost',
    });
  });

  it('leaves a peer that is no member any more: who waits for it is told at once, though it lives', async () => {
    let received = 0;
    await open('w1', () => received++);
    await open('w2');
    members.add('w2');
    const sender = await open('w0');
    const [sent, readAnswer] = [ask(sender, 'w1', command()), ask(sender, 'w1', read())];
    expect(codeOf(await ask(sender, 'w2', read()))).to.equal('done');
    await waitUntil('both are there', () => received === 2);
    members.delete('w1');
    sender.keepOnly((worker) => members.has(worker));
    expect(codeOf(await sent)).to.equal('elsewhere, applied unknown');
    expect(codeOf(await readAnswer)).to.equal('elsewhere, applied no');
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('elsewhere, applied no');
    expect(codeOf(await ask(sender, 'w2', read())), 'the others stay').to.equal('done');
    expect(received).to.equal(2);
  });

  it('at the window’s limit refuses new work, and lets steps of orders under way through', async () => {
    const replies: ShardReply[] = [];
    await open('w1', (_ask, _internal, reply) => replies.push(reply));
    const sender = await open('w0');
    const heard: string[] = [];
    for (let index = 0; index < 20_000; index++)
      sender.ask('w1', read(), false, (answer) => heard.push(codeOf(answer)));
    expect(codeOf(await ask(sender, 'w1', command()))).to.equal('overloaded');
    sender.ask('w1', command(), true, (answer) => heard.push(`step ${codeOf(answer)}`));
    await waitUntil(
      'all are there',
      () => replies.length === 20_001,
      () => replies.length,
    );
    for (const reply of replies) reply(done(1));
    await waitUntil('all are answered', () => heard.length === 20_001);
    expect(heard.at(-1)).to.equal('step done');
    const room = ask(sender, 'w1', read());
    await waitUntil('there is room again', () => replies.length === 20_002);
    replies.at(-1)!(done(1));
    expect(codeOf(await room)).to.equal('done');
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

  it('closed, answers whatever still waits', async () => {
    await open('w1', () => undefined);
    const sender = await open('w0');
    const answer = ask(sender, 'w1', command());
    await turns(20);
    await sender.close();
    expect(['elsewhere, applied unknown', 'elsewhere, applied no']).to.include(codeOf(await answer));
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
