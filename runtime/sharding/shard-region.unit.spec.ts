/** Routing, limits, passivation and lost shards of a region over storage in memory. */
import { expect } from 'chai';
import type { Answer, Ask, ShardAnswer } from '../ask.ts';
import { stockActor } from '../../actors/stock/index.ts';
import type { PeerTransport } from './peers.ts';
import { paymentEntity } from '../../actors/payment/payment.ts';
import { stockEntity, type StockCommand } from '../../actors/stock/stock.ts';
import { InMemoryNode, typesIdleAfter, World } from '../../test/support/in-memory-node.ts';
import { orderIdOf, orderTerms } from '../../test/support/order-states.ts';
import { refused, transient, unknown, WRITE, type AppendScript } from '../../test/support/scripted-journal-store.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';

const NOT_AFTER = Date.UTC(2100, 0);
const hold = (holdId: string, quantity = 1): StockCommand => ({
  type: 'HoldStock',
  holdId,
  quantity,
  notAfter: NOT_AFTER,
});

const askOf = (to: string, command: { readonly type: string } | undefined, commandId: string): Ask => ({
  to,
  ...(command && { command }),
  commandId,
  until: 'durable',
  timeoutMs: 30_000,
});

describe('the shard region', () => {
  let node: InMemoryNode;
  afterEach(async () => {
    node.kill();
    await node.stop();
  });

  describe('passivation', () => {
    it('with no idle time loses none of 100,000 asks, and answers each exactly once', async function () {
      this.timeout(60_000);
      node = await InMemoryNode.start({ types: typesIdleAfter(0) });
      const products = Array.from({ length: 40 }, (_, index) => `P${index}`);
      await Promise.all(products.map((productId) => node.setStock(productId, 1_000_000)));
      const replies = new Uint8Array(100_000);
      const held = new Map<string, number>();
      let answered = 0;
      let passivated = 0;
      const ASKS_AT_ONCE = 500;
      for (let first = 0; first < replies.length; first += ASKS_AT_ONCE) {
        for (let index = first; index < first + ASKS_AT_ONCE; index++) {
          const productId = products[(index * 7) % products.length]!;
          const command = index % 10 === 0 ? hold(`h${index}`) : undefined;
          const reply = (answer: ShardAnswer): void => {
            replies[index]!++;
            answered++;
            if (answer.kind === 'done' && command) held.set(productId, (held.get(productId) ?? 0) + 1);
            else if (answer.kind !== 'done') throw new Error(JSON.stringify(answer));
          };
          node.region.receive(askOf(stockEntity(productId), command, command ? `c${index}` : ''), false, reply);
          if (index % 50 === 0) {
            const before = node.region.figures.residents;
            node.region.sweep();
            passivated += before - node.region.figures.residents;
          }
        }
        await waitUntil(
          'all are answered',
          () => answered === first + ASKS_AT_ONCE,
          () => [answered, node.region.figures],
        );
      }
      expect(replies.every((count) => count === 1)).to.equal(true);
      expect(passivated).to.be.greaterThan(1_000);
      for (const productId of products)
        expect((await node.stock(productId)).held, productId).to.equal(held.get(productId) ?? 0);
      expect(node.region.figures).to.deep.include({ crashes: 0, quarantined: [] });
    });

    it('lets only those leave that are idle for long enough and have nothing in flight', async () => {
      node = await InMemoryNode.start({ types: typesIdleAfter(1_000) });
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      node.world.clock.advance(900);
      await node.stock('P2');
      const open = node.store.hold();
      void node.ask(stockEntity('P3'), { type: 'SetStock', warehouseId: 'main', onHand: 1 } as never);
      await turns(10);
      node.world.clock.advance(200);
      node.region.sweep();
      expect(node.region.figures.residents, 'P1 has left').to.equal(2);
      node.world.clock.advance(2_000);
      node.region.sweep();
      expect(node.region.figures.residents, 'P3 still waits for its commit').to.equal(1);
      open();
      await node.quiet();
      node.world.clock.advance(2_000);
      node.region.sweep();
      expect(node.region.figures.residents).to.equal(0);
    });

    it('keeps an order in memory while it waits for an answer', async () => {
      node = await InMemoryNode.start({ types: typesIdleAfter(0) });
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      const letGo = node.world.provider.hold('authorize');
      await node.place(orderIdOf(1), {}, { until: 'durable' });
      await waitUntil('the authorization is asked for', () => node.world.provider.calls.length === 1);
      await node.journal.drain();
      node.region.sweep();
      expect(node.region.figures.residents, 'order and payment').to.equal(2);
      letGo();
      await node.quiet();
      node.region.sweep();
      expect(node.region.figures.residents).to.equal(0);
      expect((await node.order(orderIdOf(1))).status).to.equal('Confirmed');
    });
  });

  describe('limits', () => {
    it('a full mailbox answers overloaded, at once, and never more than it refused', async () => {
      node = await InMemoryNode.start({ types: [{ ...stockActor, limits: { ...stockActor.limits, mailboxMax: 10 } }] });
      await node.setStock('P1', 100);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) => node.ask(stockEntity('P1'), hold(`h${index}`))),
      );
      const words = answers.map((answer) => (answer.kind === 'failed' ? answer.code : answer.kind));
      expect(words.filter((word) => word === 'done')).to.have.length(10);
      expect(words.filter((word) => word === 'overloaded')).to.have.length(20);
      expect((await node.stock('P1')).held).to.equal(10);
      expect(node.region.figures.mailboxRefusals).to.equal(20);
    });

    it('no more wait for a recovery than the mailbox may hold', async () => {
      node = await InMemoryNode.start({ types: [{ ...stockActor, limits: { mailboxMax: 10, idleMs: 0 } }] });
      await node.setStock('P1', 100);
      await node.quiet();
      node.region.sweep();
      const open = node.store.holdReads();
      const answers: Promise<Answer>[] = [];
      for (let index = 0; index < 30; index++) {
        answers.push(node.ask(stockEntity('P1')));
        if (index % 5 === 4) await turns(10); // the mailbox is empty: they wait in the shell
      }
      open();
      const words = (await Promise.all(answers)).map((answer) =>
        answer.kind === 'failed' ? answer.code : answer.kind,
      );
      expect(words.filter((word) => word === 'done')).to.have.length(10);
      expect(words.filter((word) => word === 'overloaded')).to.have.length(20);
    });

    it('a steps’ order of 2,000 products trips none', async function () {
      this.timeout(20_000);
      node = await InMemoryNode.start();
      const products = Array.from({ length: 2_000 }, (_, index) => `P${index}`);
      await Promise.all(products.map((productId) => node.setStock(productId, 1)));
      const answer = await node.place(orderIdOf(1), {
        lines: products.map((productId) => ({ productId, quantity: 1, unitPrice: 1 })),
      });
      expect((answer as { value: { status: string } }).value.status).to.equal('Confirmed');
      expect(node.region.figures.mailboxRefusals).to.equal(0);
    });

    it('a journal at its limit refuses new commands; reads, and the steps of orders under way, go on', async function () {
      this.timeout(20_000);
      node = await InMemoryNode.start();
      await node.setStock('P1', 1_000_000);
      const open = node.store.hold();
      const waiting = Array.from({ length: 2 }, (_, product) =>
        Array.from({ length: 10_300 }, (__, index) =>
          node.ask(stockEntity(`Q${product}`), {
            type: 'ReleaseHold',
            holdId: `h${index}`,
            notAfter: NOT_AFTER,
          } as never),
        ),
      ).flat();
      await waitUntil('the journal is full', () => node.journal.full);
      const late = await node.ask(stockEntity('P1'), hold('late'));
      expect(late).to.deep.include({ kind: 'failed', code: 'overloaded' });
      expect((await node.stock('P1')).held).to.equal(0);
      let internal: Answer | undefined;
      node.region.send(askOf(stockEntity('P1'), hold('step'), 's'), false, (answer) => (internal = answer));
      open();
      await Promise.all(waiting);
      await waitUntil('the step is answered', () => internal !== undefined);
      expect(internal!.kind).to.equal('done');
    });

    it('an answer that never comes is unknown for a command, unavailable for a read', async () => {
      node = await InMemoryNode.start();
      const open = node.store.hold();
      const [command, read] = await Promise.all([
        node.ask(stockEntity('P1'), { type: 'SetStock', warehouseId: 'main', onHand: 1 } as never, { timeoutMs: 20 }),
        node.ask(stockEntity('P1'), undefined, { timeoutMs: 20 }),
      ]);
      expect([command, read].map((answer) => answer.kind === 'failed' && answer.code)).to.deep.equal([
        'outcome_unknown',
        'unavailable',
      ]);
      open();
    });
  });

  describe('shards', () => {
    it('of another worker are asked there; a peer that asks here for one is sent elsewhere', async () => {
      const asked: [string, boolean][] = [];
      node = await InMemoryNode.start({
        workerId: 'w0',
        directory: { ownerOf: (shard) => `w${shard % 2}`, refresh: () => undefined },
        transport: {
          ask: (owner, _ask, internal, reply) => {
            asked.push([owner, internal]);
            reply({ kind: 'failed', code: 'overloaded', detail: 'scripted' });
          },
        },
      });
      const odd = Array.from({ length: 8 }, (_, shard) => shard).filter((shard) => shard % 2 === 1);
      node.keeper.lost(odd);
      const [mine, theirs] = [0, 1].map((parity) => {
        for (let n = 0; ; n++)
          if (node.region.shardOf(stockEntity(`X${n}`)) % 2 === parity) return stockEntity(`X${n}`);
      }) as [string, string];
      expect((await node.ask(mine)).kind).to.equal('done');
      expect(await node.ask(theirs)).to.deep.include({ kind: 'failed', code: 'overloaded' });
      node.region.send(askOf(theirs, hold('h'), 'c'), true, () => undefined);
      expect(asked).to.deep.equal([
        ['w1', false],
        ['w1', true],
      ]);
      const heard: ShardAnswer[] = [];
      node.region.receive(askOf(theirs, hold('h'), 'c'), false, (answer) => heard.push(answer));
      expect(heard).to.have.length(1);
      expect(heard[0]).to.deep.include({ kind: 'elsewhere', applied: 'no' });
      expect(asked, 'it goes no further').to.have.length(2);
    });

    it('that are not served yet: their asks wait, and are answered once they are', async () => {
      node = await InMemoryNode.start();
      const shard = node.region.shardOf(stockEntity('P1'));
      node.region.disown(shard);
      const heard: string[] = [];
      const asks = [
        node.ask(stockEntity('P1'), { type: 'SetStock', warehouseId: 'main', onHand: 5 } as never),
        node.ask(stockEntity('P1')),
      ].map(async (answer) => heard.push((await answer).kind));
      let step: Answer | undefined;
      node.region.send(askOf(stockEntity('P1'), hold('h'), 's'), true, (answer) => (step = answer));
      await turns(10);
      expect(node.region.figures.parked).to.equal(3);
      expect(heard).to.deep.equal([]);
      node.keeper.failed(shard);
      await Promise.all(asks);
      expect(heard).to.deep.equal(['done', 'done']);
      await waitUntil('the step is answered', () => step !== undefined);
      expect(step!.kind, 'in the order they came').to.equal('done');
      expect(node.region.figures.parked).to.equal(0);
    });

    it('that is unserved until an ask’s deadline: it hears unavailable, nothing was applied', async () => {
      node = await InMemoryNode.start();
      node.region.disown(node.region.shardOf(stockEntity('P1')));
      const asks = [hold('h'), undefined].map((command) => node.ask(stockEntity('P1'), command, { timeoutMs: 20_000 }));
      await turns(10);
      node.world.clock.advance(19_999);
      await turns(10);
      expect(node.region.figures.parked).to.equal(2);
      node.world.clock.advance(1);
      for (const answer of await Promise.all(asks)) {
        expect(answer).to.deep.include({ kind: 'failed', code: 'unavailable' });
      }
    });

    describe('whose owner is gone', () => {
      /** Another worker owns everything, says what is scripted, and is followed by the next. */
      const behind = async (...scripts: ShardAnswer[]) => {
        const sent: [string, Ask][] = [];
        const looked = { times: 0 };
        let owner: string | undefined = 'w1';
        const transport: PeerTransport = {
          ask: (to, ask, _internal, reply) => {
            sent.push([to, ask]);
            const script = scripts.shift();
            if (script?.kind === 'elsewhere') owner = undefined;
            if (script) reply(script);
          },
        };
        const directory = { ownerOf: () => owner, refresh: () => void looked.times++ };
        node = await InMemoryNode.start({ directory, transport });
        node.keeper.lost(Array.from({ length: 8 }, (_, shard) => shard));
        const found = (next: string): void => {
          owner = next;
          node.region.ownersChanged();
        };
        return { sent, looked, found };
      };
      const gone = (applied: 'no' | 'unknown'): ShardAnswer => ({ kind: 'elsewhere', applied, detail: 'scripted' });
      const done: ShardAnswer = {
        kind: 'done',
        value: 7,
        replayed: true,
        version: 3,
        origin: { shard: 0, seq: 2 },
      };

      for (const applied of ['no', 'unknown'] as const) {
        it(`(applied: ${applied}) a command goes to the next one, once and under the same id`, async () => {
          const { sent, looked, found } = await behind(gone(applied), done);
          const answer = node.ask(stockEntity('P1'), hold('h'), { commandId: 'c1', fingerprint: 'f' });
          await turns(10);
          expect(sent).to.have.length(1);
          expect(looked.times, 'it is asked who owns the shard now').to.equal(1);
          found('w2');
          expect(await answer).to.deep.equal(done);
          expect(sent.map(([owner]) => owner)).to.deep.equal(['w1', 'w2']);
          const [[, first], [, second]] = sent as [[string, Ask], [string, Ask]];
          expect(second).to.deep.equal(first);
          expect(second).to.deep.include({ commandId: 'c1', fingerprint: 'f', command: hold('h') });
        });
      }

      it('a command that can’t be known again is not sent twice where it may have been applied', async () => {
        const { sent, found } = await behind(gone('unknown'), done);
        const answer = await node.ask(stockEntity('P1'), hold('h'), { once: true });
        expect(answer).to.deep.include({ kind: 'failed', code: 'outcome_unknown' });
        found('w2');
        await turns(10);
        expect(sent).to.have.length(1);
      });

      it('nor where that was unknown of an owner before the last; where none applied it, it is', async () => {
        const first = await behind(gone('no'), done);
        const answer = node.ask(stockEntity('P1'), hold('h'), { once: true });
        first.found('w2');
        expect(await answer).to.deep.equal(done);
        node.kill();
        await node.stop();
        const second = await behind(gone('no'), gone('unknown'), done);
        const lost = node.ask(stockEntity('P1'), hold('h'), { once: true });
        second.found('w2');
        expect(await lost).to.deep.include({ kind: 'failed', code: 'outcome_unknown' });
        expect(second.sent).to.have.length(2);
      });

      it('and that finds no other until its deadline is unknown, though the last one did not apply it', async () => {
        const { sent, found } = await behind(gone('unknown'), gone('no'));
        const command = node.ask(stockEntity('P1'), hold('h'), { timeoutMs: 20_000 });
        await turns(10);
        node.world.clock.advance(5_000);
        found('w2');
        await waitUntil('the next was asked', () => sent.length === 2);
        expect(sent[1]![1].timeoutMs, 'what is left of its time').to.equal(15_000);
        node.world.clock.advance(15_000);
        expect(await command).to.deep.include({ kind: 'failed', code: 'outcome_unknown' });
      });

      for (const code of ['unavailable', 'overloaded'] as const) {
        const refused: ShardAnswer = { kind: 'failed', code, detail: 'scripted' };
        for (const applied of ['no', 'unknown'] as const) {
          const heard = applied === 'no' ? code : 'outcome_unknown';
          it(`(applied: ${applied}) a command that the next owner refuses as ${code} hears ${heard}`, async () => {
            const { found } = await behind(gone(applied), refused);
            const command = node.ask(stockEntity('P1'), hold('h'), { commandId: 'c1' });
            await turns(10);
            found('w2');
            expect(await command).to.deep.include({ kind: 'failed', code: heard });
          });
        }
      }

      it('a read is unavailable then', async () => {
        await behind(gone('unknown'));
        const read = node.ask(stockEntity('P1'), undefined, { timeoutMs: 20_000 });
        await turns(10);
        node.world.clock.advance(20_000);
        expect(await read).to.deep.include({ kind: 'failed', code: 'unavailable' });
      });
    });

    it('between two owners hold no more than 20,000 asks; the steps of orders under way are never refused', async function () {
      this.timeout(20_000);
      node = await InMemoryNode.start();
      await node.setStock('P1', 5);
      const shard = node.region.shardOf(stockEntity('P1'));
      node.region.disown(shard);
      const asks = Array.from({ length: 20_000 }, () => node.ask(stockEntity('P1'), undefined, { timeoutMs: 600_000 }));
      expect(node.region.figures.parked).to.equal(20_000);
      for (const command of [hold('late'), undefined])
        expect(await node.ask(stockEntity('P1'), command)).to.deep.include({ kind: 'failed', code: 'overloaded' });
      let other = 'X0'; // P1's own mailbox will be full
      for (let n = 1; node.region.shardOf(stockEntity(other)) !== shard; n++) other = `X${n}`;
      let step: Answer | undefined;
      const stepAsk = askOf(stockEntity(other), { type: 'SetStock', warehouseId: 'main', onHand: 1 } as never, 's');
      node.region.send(stepAsk, false, (answer) => (step = answer));
      expect(node.region.figures.parked).to.equal(20_001);
      expect(step).to.equal(undefined);
      node.keeper.failed(shard);
      await waitUntil('the step is answered', () => step !== undefined);
      expect(step!.kind).to.equal('done');
      const words = (await Promise.all(asks)).map((answer) => (answer.kind === 'failed' ? answer.code : answer.kind));
      expect(words.filter((word) => word !== 'done' && word !== 'overloaded')).to.deep.equal([]);
      expect(words).to.include('done');
    });

    describe('whose lease may have run out', () => {
      const words = (answers: readonly ShardAnswer[]): string[] =>
        answers.map((answer) => (answer.kind === 'elsewhere' ? `elsewhere, applied ${answer.applied}` : answer.kind));

      it('answer nothing from memory: reads and refusals go elsewhere; a commit proves that they are still ours', async () => {
        node = await InMemoryNode.start();
        await node.setStock('P1', 5);
        await node.stock('P1');
        node.leaseValid = false;
        const heard: ShardAnswer[] = [];
        const reply = (answer: ShardAnswer): void => void heard.push(answer);
        for (const command of [undefined, hold('too many', 9)])
          node.region.receive(askOf(stockEntity('P1'), command, command ? 'c1' : ''), false, reply);
        await waitUntil('both are answered', () => heard.length === 2);
        expect(words(heard)).to.deep.equal(['elsewhere, applied no', 'elsewhere, applied no']);
        node.region.receive(askOf(stockEntity('P1'), hold('h', 2), 'c2'), false, reply);
        node.region.receive(askOf(stockEntity('P1'), undefined, ''), false, reply);
        await waitUntil('both are answered', () => heard.length === 4);
        expect(words(heard.slice(2))).to.deep.equal(['done', 'done']);
      });

      it('never answer what another worker has changed since', async () => {
        const world = new World();
        node = await InMemoryNode.start({ world });
        await node.setStock('P1', 5);
        await node.stock('P1');
        const next = await InMemoryNode.start({ world });
        await next.setStock('P1', 6);
        node.leaseValid = false;
        const read = node.stock('P1');
        await turns(20);
        expect(node.region.figures.parked).to.equal(1);
        node.leaseValid = true;
        node.keeper.failed(node.region.shardOf(stockEntity('P1')));
        expect((await read).onHand).to.equal(6);
        next.kill();
        await next.stop();
      });
    });

    it('that are lost drop their entities: who waits hears the truth under the next epoch, others notice nothing', async () => {
      node = await InMemoryNode.start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      expect(node.region.shardOf(stockEntity('P1'))).not.to.equal(node.region.shardOf(stockEntity('P2')));
      const open = node.store.hold();
      const lost = node.ask(stockEntity('P1'), hold('h1'));
      const kept = node.ask(stockEntity('P2'), hold('h1'));
      await waitUntil('both rows are in flight', () => node.store.sent.at(-1)?.length === 2);
      node.keeper.failed(node.region.shardOf(stockEntity('P1')));
      expect(node.region.figures.residents, 'P2 stays').to.equal(1);
      open();
      expect((await kept).kind).to.equal('done');
      expect((await lost).kind).to.equal('done');
      expect((await node.stock('P1')).held).to.equal(1);
      expect(node.world.rowsOf(stockEntity('P1'))).to.have.length(2);
    });

    it('lost by the projections send nothing more of their former epoch', async () => {
      node = await InMemoryNode.start();
      await node.setStock('P1', 100);
      await node.quiet();
      const shard = node.region.shardOf(stockEntity('P1'));
      const open = node.store.hold();
      const before = node.store.sent.length;
      const asks = [node.ask(stockEntity('P1'), hold('h1'))];
      await waitUntil('a row is in flight', () => node.store.sent.length === before + 1);
      asks.push(node.ask(stockEntity('P1'), hold('h2')), node.ask(stockEntity('P1'), hold('h3')));
      await turns(10);
      node.keeper.failed(shard);
      open();
      for (const answer of await Promise.all(asks)) expect(answer.kind).to.equal('done');
      const later = node.store.sent
        .slice(before)
        .flat()
        .filter(({ events }) => /"h[23]"/.test(events));
      expect(later.map(({ epoch }) => epoch)).to.deep.equal([2, 2]);
      expect((await node.ask(stockEntity('P1'), hold('h4'))).kind).to.equal('done');
      const versions = node.world.rowsOf(stockEntity('P1')).map(({ version }) => version);
      expect(versions).to.deep.equal(versions.map((_, index) => index + 1));
    });
  });

  describe('under random failures of its appends', () => {
    for (const seed of [1, 2, 3]) {
      it(`settles every order, with each charged once and the stock conserved (seed ${seed})`, async function () {
        this.timeout(30_000);
        let state = seed;
        const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
        node = await InMemoryNode.start({ types: typesIdleAfter(0) });
        await node.setStock('P1', 30);
        await node.setStock('P2', 1_000);
        const script = (): AppendScript => {
          const roll = random();
          if (roll < 0.04) return unknown(random() < 0.5);
          if (roll < 0.08) return refused;
          if (roll < 0.1) return transient;
          return WRITE;
        };
        node.store.script(script);
        const orders = Array.from({ length: 40 }, (_, index) => orderIdOf(index));
        const tokens = ['tok_visa', 'tok_visa', 'tok_decline', 'tok_drop', 'tok_capture_fail'];
        const place = (orderId: string, index: number): Promise<Answer> =>
          node.place(
            orderId,
            { paymentMethod: { type: 'card', token: tokens[index % tokens.length]! } },
            { until: 'durable' },
          );
        // A client asks again until it has an answer; some change their mind.
        const clients = orders.map(async (orderId, index) => {
          for (let tries = 0; ; tries++) {
            const answer = await place(orderId, index);
            if (answer.kind === 'done') break;
            expect(answer.kind).to.equal('failed');
            expect(tries).to.be.lessThan(200);
            await turns(3);
          }
          if (index % 7 === 3) await node.ask(`ord_${orderId}`, { type: 'CancelOrder', reason: 'no' } as never);
        });
        let done = false;
        const all = Promise.all(clients).then(() => (done = true));
        while (!done) {
          await turns(20);
          node.region.sweep();
          node.pass(1_000);
        }
        await all;
        node.store.script(() => WRITE);
        const isSettled = async (): Promise<boolean> => {
          node.region.sweep();
          await node.projections.flush();
          node.pass(6_000);
          await node.quiet();
          return orders.every((orderId) => node.world.readModels.order(orderId)?.settled === true);
        };
        await waitUntil('every order is settled', isSettled, () =>
          [...node.world.readModels.orders.values()]
            .filter(({ settled }) => !settled)
            .map(({ state: { status } }) => status),
        );
        let confirmed = 0;
        for (const orderId of orders) {
          const order = await node.order(orderId);
          expect(['Confirmed', 'Cancelled']).to.include(order.status);
          if (order.status === 'Confirmed') confirmed++;
          expect(order.payment.captured - order.payment.refunded).to.equal(order.status === 'Confirmed' ? 610 : 0);
        }
        expect(node.world.provider.moved('capture') - node.world.provider.moved('refund')).to.equal(confirmed * 610);
        expect((await node.stock('P1')).held).to.equal(confirmed * 2);
        expect((await node.stock('P2')).held).to.equal(confirmed);
        await node.quiet();
        await node.projections.flush();
        const view = (productId: string) =>
          [...node.world.readModels.stocks.values()].find((row) => row.productId === productId)?.held;
        expect([view('P1'), view('P2')]).to.deep.equal([confirmed * 2, confirmed]);
        expect(node.world.readModels.waiting.size).to.equal(0);
        for (const [entityId, rows] of node.world.log.entities) {
          expect(
            rows.map(({ version }) => version),
            entityId,
          ).to.deep.equal(rows.map((_, index) => index + 1));
        }
        expect(node.region.figures.quarantined).to.deep.equal([]);
      });
    }
  });

  it('clears a wake-up of an entity that waits for nothing, when its shard is taken', async () => {
    const world = new World();
    node = await InMemoryNode.start({ world });
    await node.setStock('P1', 5);
    await node.setStock('P2', 5);
    await node.place(orderIdOf(1));
    await node.quiet();
    await node.projections.flush();
    node.kill();
    await node.stop();
    const { waiting } = world.readModels;
    expect([...waiting.keys()]).to.deep.equal([]);
    const entityId = paymentEntity(orderIdOf(1));
    waiting.set(entityId, { shard: node.region.shardOf(entityId), entityId, wakeAt: world.clock.nowMs() - 1 });

    node = await InMemoryNode.start({ world });
    const rows = world.rows.length;
    node.pass(2_000);
    await waitUntil('it is cleared', async () => {
      await node.projections.flush();
      return waiting.size === 0;
    });
    expect(world.rows.length, 'without a new row').to.equal(rows);
  });

  it('answers an order’s terms as they were placed', async () => {
    node = await InMemoryNode.start();
    const answer = await node.place(orderIdOf(1), {}, { until: 'durable' });
    expect((answer as { value: { terms: unknown } }).value.terms).to.deep.equal(orderTerms());
    node.region.disown(node.region.shardOf(`ord_${orderIdOf(1)}`));
  });
});
