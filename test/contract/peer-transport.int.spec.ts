/** What every transport between workers promises: each ask is answered once, and as truly as can be known. */
import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import type { Ask, ShardAnswer } from '../../runtime/ask.ts';
import type { ShardReply } from '../../runtime/entity/entity-host.ts';
import type { PeerTransport } from '../../runtime/sharding/peers.ts';
import { LocalSocketTransport, type Receive } from '../../messaging/local-socket/local-socket-transport.ts';
import { PeerRouter } from '../../messaging/peer-router.ts';
import { Broker } from '../../messaging/rabbitmq/broker.ts';
import { RabbitMqTransport } from '../../messaging/rabbitmq/rabbitmq-transport.ts';
import { codeOf, command, done, read } from '../support/asks.ts';
import { HeldClock } from '../support/manual-clock.ts';
import { scratchBrokerOrSkip } from '../support/rabbitmq-broker.ts';
import { silentLog } from '../support/silent-log.ts';
import { turns, waitUntil } from '../support/wait-until.ts';

/** One worker's end. */
interface End extends PeerTransport {
  keepOnly(isMember: (worker: string) => boolean): void;
  close(): Promise<void>;
}

interface World {
  readonly clock: HeldClock;
  readonly members: Set<string>;
  open(worker: string, receive: Receive): Promise<End>;
  close(): Promise<void>;
}

interface Subject {
  readonly name: string;
  /** What all of its worlds share. */
  prepare(hook: Mocha.Context): Promise<{ world(): Promise<World>; drop(): Promise<void> }>;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'local sockets',
    prepare: () =>
      Promise.resolve({
        world: async () => {
          const folder = await mkdtemp(path.join(tmpdir(), 'hf-sock-'));
          const clock = new HeldClock();
          const members = new Set(['w0', 'w1']);
          const pathOf = (worker: string): string => path.join(folder, `${worker}.sock`);
          return {
            clock,
            members,
            open: async (worker, receive) => {
              const transport = new LocalSocketTransport({
                path: pathOf(worker),
                pathOf: (peer) => (members.has(peer) ? pathOf(peer) : undefined),
                receive,
                clock,
              });
              await transport.listen();
              return transport;
            },
            close: () => rm(folder, { recursive: true, force: true }),
          };
        },
        drop: () => Promise.resolve(),
      }),
  },
  {
    name: 'RabbitMQ, between two machines',
    prepare: async (hook) => {
      const scratch = await scratchBrokerOrSkip(hook);
      return {
        world: () => {
          const clock = new HeldClock();
          const members = new Set(['w0', 'w1']);
          return Promise.resolve({
            clock,
            members,
            open: async (worker, receive) => {
              const broker = new Broker({
                url: scratch.url,
                name: `test/${worker}`,
                clock: systemClock,
                log: silentLog,
              });
              const transport = new RabbitMqTransport({
                broker,
                workerId: worker,
                receive,
                log: silentLog,
                clock,
              });
              await transport.listen(10_000);
              const router = new PeerRouter({
                routeTo: (peer) => (members.has(peer) ? { transport, isCut: false } : undefined),
              });
              return {
                ask: (...asked) => router.ask(...asked),
                keepOnly: (isMember) => transport.keepOnly(isMember),
                close: async () => {
                  await transport.close();
                  await broker.close();
                },
              };
            },
            close: () => Promise.resolve(),
          });
        },
        drop: () => scratch.drop(),
      };
    },
  },
];

for (const subject of SUBJECTS) {
  describe(`transport between workers: ${subject.name}`, function () {
    this.timeout(30_000);
    let prepared: Awaited<ReturnType<Subject['prepare']>> | undefined;
    let world: World;
    let clock: HeldClock;
    let members: Set<string>;
    let ends: End[];

    before(async function () {
      prepared = await subject.prepare(this);
    });
    after(() => prepared?.drop());
    beforeEach(async () => {
      world = await prepared!.world();
      ({ clock, members } = world);
      ends = [];
    });
    afterEach(async () => {
      await Promise.all(ends.map((end) => end.close()));
      await world.close();
    });

    const open = async (
      worker: string,
      receive: Receive = (ask, _internal, reply) => reply(done(ask.to)),
    ): Promise<End> => {
      const end = await world.open(worker, receive);
      ends.push(end);
      return end;
    };
    const ask = (transport: PeerTransport, owner: string, each: Ask, internal = false): Promise<ShardAnswer> =>
      new Promise((resolve) => transport.ask(owner, each, internal, resolve));

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

    it('leaves a peer that is no longer a member: waiting asks end at once, though it lives', async () => {
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

    it('closed, answers whatever still waits', async () => {
      await open('w1', () => undefined);
      const sender = await open('w0');
      const answer = ask(sender, 'w1', command());
      await turns(20);
      await sender.close();
      expect(['elsewhere, applied unknown', 'elsewhere, applied no', 'outcome_unknown']).to.include(
        codeOf(await answer),
      );
    });
  });
}
