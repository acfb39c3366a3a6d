/** What the shell promises its callers, over real deciders and a journal that waits or fails as told. */
import { expect } from 'chai';
import type { Answer, Ask } from '../ask.ts';
import type { PaymentProvider } from '../../actors/payment/providers/provider.ts';
import { orderActor } from '../../actors/order/index.ts';
import { stockActor } from '../../actors/stock/index.ts';
import { reservationEntity } from '../../actors/reservation/reservation.ts';
import { orderEntity, type OrderCommand, type PlacedOrder } from '../../actors/order/order.ts';
import { stockEntity, type StockCommand, type StockLevel } from '../../actors/stock/stock.ts';
import { CountingProvider } from '../../test/support/counting-provider.ts';
import { InMemoryNode, typesIdleAfter, World } from '../../test/support/in-memory-node.ts';
import { orderIdOf, orderTerms } from '../../test/support/order-states.ts';
import { refused, transient, unknown } from '../../test/support/scripted-journal-store.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import type { EntityType } from './entity-type.ts';

const STOCK = stockEntity('P1');
const ORDER = orderIdOf(1);
const NOT_AFTER = Date.UTC(2100, 0);

const set = (onHand: number): StockCommand => ({ type: 'SetStock', warehouseId: 'main', onHand });
const hold = (holdId: string, quantity: number): StockCommand => ({
  type: 'HoldStock',
  holdId,
  quantity,
  notAfter: NOT_AFTER,
});
const release = (holdId: string): StockCommand => ({ type: 'ReleaseHold', holdId, notAfter: NOT_AFTER });

interface StoredStock {
  onHand: number;
  readonly holds: { packed: string };
  readonly closed: [string, number][];
}

/** As orders name theirs. */
const holdIdOf = (n: number): string => reservationEntity(orderIdOf(n));

/** One word for an answer. */
function wordFor(answer: Answer): string {
  if (answer.kind === 'done') return answer.replayed ? 'replayed' : 'done';
  return answer.kind === 'rejected' ? answer.refusal.code : answer.code;
}

/** Asks and writes down the answers in the order they come. */
class Asker {
  readonly heard: string[] = [];
  readonly answers = new Map<string, Answer>();
  readonly #node: InMemoryNode;
  #waiting = 0;

  constructor(node: InMemoryNode) {
    this.#node = node;
  }

  ask(name: string, to: string, command?: { readonly type: string }, changes: Partial<Ask> = {}): void {
    this.#waiting++;
    void this.#node.ask(to, command, changes).then((answer) => {
      this.#waiting--;
      this.answers.set(name, answer);
      this.heard.push(`${name}: ${wordFor(answer)}`);
    });
  }

  async all(): Promise<string[]> {
    await waitUntil(
      'everybody is answered',
      () => this.#waiting === 0,
      () => this.heard,
    );
    return this.heard;
  }
}

describe('the entity shell', () => {
  let node: InMemoryNode;
  let asker: Asker;
  const start = async (...options: Parameters<typeof InMemoryNode.start>): Promise<void> => {
    node = await InMemoryNode.start(...options);
    asker = new Asker(node);
  };
  afterEach(async () => {
    node.kill();
    await node.stop();
  });

  describe('an answer', () => {
    it('of any sort waits for the commit of the last row that its decision saw, and leaves in log order', async () => {
      await start();
      await node.setStock('P1', 5);
      const open = node.store.hold();
      asker.ask('hold', STOCK, hold('h1', 3));
      asker.ask('refusal', STOCK, hold('h2', 3));
      asker.ask('already done', STOCK, hold('h1', 3));
      asker.ask('read', STOCK);
      asker.ask('release', STOCK, release('h1'));
      asker.ask('second read', STOCK);
      await waitUntil('the rows are sent', () => node.store.sent.length === 2);
      await turns(10);
      expect(asker.heard).to.deep.equal([]);
      open();
      expect(await asker.all()).to.deep.equal([
        'hold: done',
        'refusal: insufficient_inventory',
        'already done: replayed',
        'read: done',
        'release: done',
        'second read: done',
      ]);
      const levels = ['read', 'second read'].map(
        (name) => (asker.answers.get(name) as { value: StockLevel }).value.held,
      );
      expect(levels, 'each read shows the state that it saw').to.deep.equal([3, 0]);
    });

    it('does not wait for rows that its decision did not see', async () => {
      await start();
      await node.setStock('P1', 5);
      const open = node.store.hold();
      asker.ask('hold', STOCK, hold('h1', 1));
      asker.ask('read', STOCK);
      await waitUntil('the row is sent', () => node.store.sent.length === 2);
      asker.ask('later', STOCK, hold('h2', 1));
      const openLater = node.store.hold();
      open();
      await waitUntil('the first two are answered', () => asker.heard.length === 2);
      await turns(10);
      expect(asker.heard).to.deep.equal(['hold: done', 'read: done']);
      openLater();
      await asker.all();
    });

    it('that saw nothing tentative comes without a commit', async () => {
      await start();
      await node.setStock('P1', 5);
      const open = node.store.hold();
      asker.ask('read', STOCK);
      asker.ask('refusal', STOCK, hold('h1', 9));
      expect(await asker.all()).to.deep.equal(['read: done', 'refusal: insufficient_inventory']);
      open();
    });

    it('of an entity that has no rows says so', async () => {
      await start();
      expect(await node.ask(STOCK)).to.deep.include({ kind: 'done', version: 0 });
      expect(await node.ask(`ord_${ORDER}`, { type: 'ConfirmOrder' })).to.deep.equal({
        kind: 'rejected',
        refusal: { code: 'not_found' },
      });
    });

    it('tells the version that it saw, and where the entity began', async () => {
      await start();
      await node.setStock('P1', 5);
      const first = await node.ask(STOCK);
      await node.setStock('P1', 6);
      const second = await node.ask(STOCK);
      expect(first).to.deep.include({ version: 1, origin: { shard: node.region.shardOf(STOCK), seq: 2 } });
      expect(second).to.deep.include({ version: 2, origin: { shard: node.region.shardOf(STOCK), seq: 2 } });
    });

    it('wanted once everything is settled waits for that, and shows it', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      const letGo = node.world.provider.hold('capture');
      asker.ask('durable', `ord_${ORDER}`, place(), { commandId: 'p' });
      asker.ask('settled', `ord_${ORDER}`, place(), { commandId: 'p', until: 'settled' });
      asker.ask('settled read', `ord_${ORDER}`, undefined, { until: 'settled' });
      await waitUntil('the capture is asked for', () => node.world.provider.calls.length === 2);
      expect(asker.heard).to.deep.equal(['durable: done']);
      letGo();
      await asker.all();
      for (const name of ['settled', 'settled read']) {
        expect((asker.answers.get(name) as { value: { captured: boolean } }).value.captured).to.equal(true);
      }
    });
  });

  describe('a failed append', () => {
    it('that is refused answers not_applied to all that saw its row, and drops what was tentative', async () => {
      await start();
      await node.setStock('P1', 5);
      node.store.next(refused);
      const open = node.store.hold();
      asker.ask('hold', STOCK, hold('h1', 3));
      asker.ask('refusal on top', STOCK, hold('h2', 3));
      asker.ask('read on top', STOCK);
      await waitUntil('the row is sent', () => node.store.sent.length === 2);
      await turns(10);
      open();
      expect(await asker.all()).to.have.members([
        'hold: not_applied',
        'refusal on top: not_applied',
        'read on top: not_applied',
      ]);
      expect((await node.stock('P1')).held).to.equal(0);
      expect((await node.ask(STOCK, hold('h1', 3))).kind).to.equal('done');
    });

    for (const [name, written, first] of [
      ['was not written', false, 'done'],
      ['was written', true, 'replayed'],
    ] as const) {
      it(`whose outcome is unknown (it ${name}) is told apart under the next epoch: all hear what is true`, async () => {
        await start();
        await node.setStock('P1', 5);
        node.store.next(unknown(written));
        const open = node.store.hold();
        asker.ask('hold', STOCK, hold('h1', 3));
        asker.ask('refusal on top', STOCK, hold('h2', 3));
        asker.ask('read on top', STOCK);
        await waitUntil('the row is sent', () => node.store.sent.length === 2);
        await turns(10);
        expect(asker.heard).to.deep.equal([]);
        open();
        expect(await asker.all()).to.deep.equal([
          `hold: ${first}`,
          'refusal on top: insufficient_inventory',
          'read on top: done',
        ]);
        expect((asker.answers.get('read on top') as { value: StockLevel }).value.held).to.equal(3);
        expect(node.world.rowsOf(STOCK), 'it is held once').to.have.length(2);
        expect(node.world.rowsOf(STOCK).at(-1)!.epoch).to.equal(written ? 1 : 2);
      });
    }

    it('whose outcome is unknown tells nobody knows where a command is not the same when it comes twice', async () => {
      await start();
      await node.setStock('P1', 5);
      node.store.next(unknown(true));
      asker.ask('command', STOCK, set(7), { once: true });
      asker.ask('read on top', STOCK);
      expect(await asker.all()).to.deep.equal(['command: outcome_unknown', 'read on top: done']);
      expect(node.world.rowsOf(STOCK), 'it was not sent again').to.have.length(2);
    });

    it('because of another owner costs its asker only time: the shard is taken again, and the command is sent there', async () => {
      await start();
      await node.setStock('P1', 5);
      const shard = node.region.shardOf(STOCK);
      await node.store.takeShards([shard], 0);
      expect(wordFor(await node.ask(STOCK, hold('h1', 3), { once: true }))).to.equal('done');
      expect((await node.stock('P1')).held).to.equal(3);
      expect(node.world.rowsOf(STOCK).map(({ epoch }) => epoch)).to.deep.equal([1, 3]);
    });

    it('of a later row leaves what was committed before it', async () => {
      await start();
      await node.setStock('P1', 5);
      const open = node.store.hold();
      node.store.script((rows) => (rows.some(({ version }) => version === 3) ? refused : { kind: 'write' }));
      asker.ask('good', STOCK, hold('h1', 1));
      await waitUntil('the first row is sent', () => node.store.sent.length === 2);
      asker.ask('bad', STOCK, hold('h2', 1));
      asker.ask('on top of it', STOCK, hold('h3', 1));
      open();
      expect(await asker.all()).to.have.members(['good: done', 'bad: not_applied', 'on top of it: not_applied']);
      expect((await node.stock('P1')).held).to.equal(1);
    });

    it('that is transient is nobody’s business', async () => {
      await start();
      node.store.next(transient);
      expect(wordFor(await node.setStock('P1', 5))).to.equal('done');
    });
  });

  describe('a command id', () => {
    const keyed = (commandId: string, fingerprint: string): Partial<Ask> => ({ commandId, fingerprint });

    it('that comes twice has one effect, also while its row is not durable', async () => {
      await start();
      const open = node.store.hold();
      for (const name of ['first', 'second']) asker.ask(name, STOCK, set(5), keyed('k', 'f'));
      await turns(10);
      expect(asker.heard).to.deep.equal([]);
      open();
      expect(await asker.all()).to.deep.equal(['first: done', 'second: replayed']);
      expect(node.world.rowsOf(STOCK)).to.have.length(1);
    });

    it('with another content is refused, for ever', async () => {
      await start();
      await node.ask(STOCK, set(5), keyed('k', 'f'));
      expect(wordFor(await node.ask(STOCK, set(6), keyed('k', 'g')))).to.equal('idempotency_mismatch');
      await node.quiet();
      node.kill();
      await start({ world: node.world });
      expect(wordFor(await node.ask(STOCK, set(6), keyed('k', 'g')))).to.equal('idempotency_mismatch');
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k', 'f')))).to.equal('replayed');
      expect((await node.stock('P1')).onHand).to.equal(5);
    });

    it('is recognised before anything is judged: a replay is never refused for what changed since', async () => {
      await start();
      await node.ask(STOCK, set(5), keyed('k', 'f'));
      await node.ask(STOCK, hold('h1', 5));
      await node.ask(STOCK, set(9), keyed('k2', 'f2'));
      await node.ask(STOCK, hold('h2', 4));
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k', 'f')))).to.equal('replayed');
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k3', 'f')))).to.equal('stock_below_held');
    });

    it('that finds its work done is bound by a row without events, for ever', async () => {
      await start();
      await node.ask(STOCK, set(5), keyed('k', 'f'));
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k2', 'f2')))).to.equal('done');
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k2', 'f2')))).to.equal('replayed');
      await node.quiet();
      expect(node.world.rowsOf(STOCK).map(({ events }) => events === '[]')).to.deep.equal([false, true]);
      node.kill();
      await start({ world: node.world });
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k2', 'other')))).to.equal('idempotency_mismatch');
      expect((await node.stock('P1')).onHand).to.equal(5);
    });

    it('without a fingerprint writes no row where it finds its work done', async () => {
      await start();
      await node.ask(STOCK, set(5));
      expect(wordFor(await node.ask(STOCK, set(5)))).to.equal('replayed');
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k', '')))).to.equal('replayed');
      expect(node.world.rowsOf(STOCK)).to.have.length(1);
    });

    it('does nothing on an order a bounded number of times: a row each would make it dear to read', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      await node.place(ORDER, {}, { until: 'settled' });
      const cancel = { type: 'CancelOrder', reason: 'r' } as never;
      await node.ask(`ord_${ORDER}`, cancel, { ...keyed('c', 'f'), until: 'settled' });
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, (_, at) => node.ask(`ord_${ORDER}`, cancel, keyed(`k${at}`, 'f'))),
      );
      const words = answers.map(wordFor);
      expect(words.filter((word) => word === 'done')).to.have.length(999);
      expect(words.slice(999)).to.deep.equal(['too_many_keys']);
      expect(wordFor(await node.ask(`ord_${ORDER}`, cancel, keyed('k0', 'f')))).to.equal('replayed');
      expect(wordFor(await node.ask(`ord_${ORDER}`, cancel))).to.equal('replayed');
    });

    it('claimed by something else places no order, also while the claim is not durable', async () => {
      await start();
      const to = `ord_${ORDER}`;
      const claim = (name: string, fingerprint: string): void =>
        asker.ask(name, to, { type: 'ClaimId' }, { commandId: 'place', fingerprint });
      claim('first', 'f');
      claim('again', 'f');
      claim('other', 'g');
      asker.ask('placed', to, place(), { commandId: 'place', fingerprint: 'body' });
      await asker.all();
      expect(asker.heard).to.deep.equal([
        'first: done',
        'again: replayed',
        'other: idempotency_mismatch',
        'placed: idempotency_mismatch',
      ]);
      await node.quiet();
      await node.projections.flush();
      expect([node.world.rowsOf(to).length, node.world.readModels.orders.size]).to.deep.equal([1, 0]);
    });

    it('of an order that was placed claims nothing, also where its first row is only on its way', async () => {
      await start();
      const to = `ord_${ORDER}`;
      asker.ask('placed', to, place(), { commandId: 'place' });
      asker.ask('claim', to, { type: 'ClaimId' }, { commandId: 'place', fingerprint: 'f' });
      await asker.all();
      expect(asker.heard).to.deep.equal(['placed: done', 'claim: idempotency_mismatch']);
    });

    it('that was refused is not bound', async () => {
      await start();
      await node.ask(STOCK, set(5));
      await node.ask(STOCK, hold('h1', 5));
      expect(wordFor(await node.ask(STOCK, set(1), keyed('k', 'f')))).to.equal('stock_below_held');
      expect(wordFor(await node.ask(STOCK, set(7), keyed('k', 'g')))).to.equal('done');
    });

    it('whose append failed is not bound', async () => {
      await start();
      node.store.next(refused);
      expect(wordFor(await node.ask(STOCK, set(5), keyed('k', 'f')))).to.equal('not_applied');
      expect(wordFor(await node.ask(STOCK, set(6), keyed('k', 'g')))).to.equal('done');
    });

    it('has its condition judged by the state that its decision sees, not by one that is durable', async () => {
      await start();
      await node.ask(STOCK, set(5));
      const open = node.store.hold();
      const condition = { ifMatch: [1] };
      asker.ask('first', STOCK, set(6), { commandId: 'a', condition });
      asker.ask('second', STOCK, set(7), { commandId: 'b', condition });
      asker.ask('third', STOCK, set(8), { commandId: 'c', condition: { ifMatch: [2] } });
      open();
      expect(await asker.all()).to.deep.equal(['first: done', 'second: precondition_failed', 'third: done']);
      expect((await node.stock('P1')).onHand).to.equal(8);
    });

    it('whose condition refuses it is refused once that is certain, and binds no id', async () => {
      await start();
      const condition = { ifNoneMatch: '*' } as const;
      asker.ask('first', STOCK, set(1), { ...keyed('a', 'f'), condition });
      asker.ask('second', STOCK, set(2), { ...keyed('b', 'f'), condition });
      expect(await asker.all()).to.deep.equal(['first: done', 'second: precondition_failed']);
      expect(wordFor(await node.ask(STOCK, set(1), { ...keyed('a', 'f'), condition }))).to.equal('replayed');
      expect(wordFor(await node.ask(STOCK, set(3), keyed('b', 'g')))).to.equal('done');
    });

    it('with a condition never places what is taken for new in vain', async () => {
      await start();
      const condition = { ifMatch: '*' } as const;
      asker.ask('absent', `ord_${ORDER}`, place(), { commandId: 'place', condition });
      asker.ask('new', `ord_${ORDER}`, place(), { commandId: 'place', condition: { ifNoneMatch: '*' } });
      asker.ask('known', `ord_${ORDER}`, place(), { commandId: 'place', condition: { ifNoneMatch: '*' } });
      expect(await asker.all()).to.deep.equal(['absent: precondition_failed', 'new: done', 'known: replayed']);
    });

    it('makes one order of twins that come at once', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      for (let twin = 0; twin < 20; twin++) asker.ask(String(twin), `ord_${ORDER}`, place(), { commandId: `p${twin}` });
      await asker.all();
      expect(asker.heard.filter((heard) => heard.endsWith(': done'))).to.have.length(1);
      expect(asker.heard.filter((heard) => heard.endsWith(': replayed'))).to.have.length(19);
      await node.quiet();
      expect(node.world.rowsOf(`ord_${ORDER}`)).to.have.length(4);
    });
  });

  describe('an order that is placed', () => {
    const NEW = `ord_${ORDER}`;
    /** Besides what taking its shard reads. */
    const reads = (): number => node.store.reads.flat().filter((entityId) => entityId === NEW).length - readsAtStart;
    let readsAtStart = 0;
    beforeEach(() => (readsAtStart = 0));
    const PRESUMING_PAUSE_MS = 500;

    /** Placed and settled by a node that is gone. */
    const placedBefore = async (): Promise<void> => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      await node.ask(NEW, place(), { commandId: 'place' });
      await node.quiet();
      node.kill();
      await start({ world: node.world });
      readsAtStart = reads();
    };

    it('is taken for new: its append tells, and nothing is read', async () => {
      await start();
      for (const product of ['P1', 'P2']) await node.setStock(product, 5);
      expect(wordFor(await node.ask(NEW, place(), { commandId: 'place' }))).to.equal('done');
      await node.quiet();
      expect(reads()).to.equal(0);
      expect(node.world.rowsOf(NEW)).to.have.length(4);
    });

    it('and was placed before answers all who asked meanwhile from its log, each once and in order', async () => {
      await placedBefore();
      const cancel: OrderCommand = { type: 'CancelOrder', reason: 'changed my mind' };
      const anotherBody: OrderCommand = { ...place(), terms: orderTerms({ bodyHash: 'another' }) };
      const open = node.store.hold();
      asker.ask('place', NEW, place(), { commandId: 'place' });
      asker.ask('settled', NEW, place(), { commandId: 'place', until: 'settled' });
      asker.ask('read', NEW);
      asker.ask('cancel', NEW, cancel, { commandId: 'cancel' });
      asker.ask('another body', NEW, anotherBody, { commandId: 'place' });
      await waitUntil('the rows are sent', () => node.store.sent.length === 1);
      asker.ask('late', NEW);
      await turns(10);
      expect(asker.heard).to.deep.equal([]);
      expect(reads()).to.equal(0);
      open();
      const answers = ['place: replayed', 'settled: replayed', 'read: done', 'cancel: done'];
      expect(await asker.all()).to.have.members([...answers, 'another body: idempotency_mismatch', 'late: done']);
      expect(reads()).to.equal(1);
      expect((asker.answers.get('read') as { value: PlacedOrder }).value.status).to.equal('Confirmed');
      await node.quiet();
      const versions = node.world.rowsOf(NEW).map(({ version }) => version);
      expect(versions).to.deep.equal(versions.map((_, index) => index + 1));
      expect(((await node.ask(NEW)) as { value: PlacedOrder }).value.status).to.equal('Cancelled');
    });

    it('is read before it is refused: nothing else would prove that it is new', async () => {
      await placedBefore();
      const unknown = { ...place(), unknownProducts: ['P9'] };
      expect(wordFor(await node.ask(NEW, unknown, { commandId: 'place' }))).to.equal('replayed');
      const other = `ord_${orderIdOf(2)}`;
      expect(wordFor(await node.ask(other, unknown, { commandId: 'place' }))).to.equal('unknown_product');
      expect(node.store.sent).to.have.length(0);
    });

    it('is not taken for new for a while after one that was not', async () => {
      await placedBefore();
      await node.ask(NEW, place(), { commandId: 'place' });
      const others = [2, 3, 4].map((n) => `ord_${orderIdOf(n)}`);
      const readOf = (entityId: string): boolean => node.store.reads.flat().includes(entityId);
      await node.ask(others[0]!, place(), { commandId: 'place' });
      node.world.clock.advance(PRESUMING_PAUSE_MS - 1);
      await node.ask(others[1]!, place(), { commandId: 'place' });
      node.world.clock.advance(1);
      await node.ask(others[2]!, place(), { commandId: 'place' });
      expect(others.map(readOf)).to.deep.equal([true, true, false]);
      await node.quiet();
    });

    it('and whose first append failed is asked for again, and made once', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      node.store.next(unknown(true));
      expect(wordFor(await node.ask(NEW, place(), { commandId: 'place' }))).to.equal('replayed');
      await node.quiet();
      expect(node.world.rowsOf(NEW)).to.have.length(4);
    });
  });

  describe('an entity whose rows can not be read', () => {
    const damage = (world: World, entityId: string, index: number, events: string): void => {
      const rows = world.log.entities.get(entityId)!;
      rows[index] = { ...rows[index]!, events };
    };
    /** A node that starts over a log with a damaged row. */
    const startDamaged = async (events: string): Promise<void> => {
      const world = new World();
      const first = await InMemoryNode.start({ world });
      await first.setStock('P1', 5);
      await first.setStock('P2', 5);
      await first.quiet();
      first.kill();
      damage(world, STOCK, 0, events);
      await start({ world });
    };

    for (const [name, events] of [
      ['no JSON', '[{'],
      ['an unknown type', '[{"type":"StockEaten"}]'],
      ['an unknown form', '[{"type":"StockSet","v":7}]'],
      ['an impossible event', '[{"type":"StockReleased","holdId":"nobody"}]'],
    ] as const) {
      it(`(${name}) is set apart alone: it says so, everybody else goes on`, async () => {
        await startDamaged(events);
        for (const name of ['read', 'command']) asker.ask(name, STOCK, name === 'command' ? hold('h', 1) : undefined);
        asker.ask('other', stockEntity('P2'), hold('h', 1));
        expect(await asker.all()).to.have.members(['read: quarantined', 'command: quarantined', 'other: done']);
        expect(node.region.figures.quarantined).to.deep.equal([STOCK]);
        const reads = node.store.reads.length;
        expect(wordFor(await node.ask(STOCK))).to.equal('quarantined');
        expect(node.store.reads.length, 'it is not read again').to.equal(reads);
      });
    }

    it('holds back the orders that need it, which go on once it is mended and its shard taken again', async () => {
      await startDamaged('[{');
      asker.ask('order', `ord_${ORDER}`, place(), { commandId: 'p' });
      asker.ask('another', `ord_${orderIdOf(2)}`, place([{ productId: 'P2', quantity: 1, unitPrice: 1 }]), {
        commandId: 'p',
        until: 'settled',
      });
      await asker.all();
      expect(asker.heard).to.have.members(['order: done', 'another: done']);
      damage(node.world, STOCK, 0, JSON.stringify([{ type: 'StockSet', warehouseId: 'main', onHand: 5 }]));
      node.keeper.failed(node.region.shardOf(STOCK));
      await waitUntil('the order is settled', async () => (await node.order(ORDER)).status === 'Confirmed');
    });
  });

  describe('an entity that can not be read now', () => {
    it('answers unavailable, and is read again for the next', async () => {
      await start();
      await node.setStock('P1', 5);
      await restart();
      node.store.failReads(new Error('scripted: the database is away'));
      for (const name of ['one', 'two']) asker.ask(name, STOCK);
      expect(await asker.all()).to.deep.equal(['one: unavailable', 'two: unavailable']);
      node.store.failReads(undefined);
      expect((await node.stock('P1')).onHand).to.equal(5);
    });

    it('although it was woken, is woken again', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      const letGo = node.world.provider.hold('capture');
      await node.place(ORDER, {}, { until: 'durable' });
      await waitUntil('the capture is asked for', () => node.world.provider.calls.length === 2);
      await node.journal.drain();
      await restart();
      letGo();
      node.store.failReads(new Error('scripted: the database is away'));
      node.pass(10_000);
      await waitUntil('it was read in vain', () => node.store.reads.length > 0 && node.region.figures.residents === 0);
      node.store.failReads(undefined);
      node.pass(10_000);
      await node.quiet();
      const [last] = node.world.rowsOf(`ord_${ORDER}`).slice(-1);
      expect(last!.events).to.include('OrderPaymentCaptured');
    });
  });

  describe('what is tried again and again', () => {
    const texts = (): string => node.region.failures.flatMap(({ text }) => text ?? []).join();

    it('says which order does not settle, and why, although others do; until it settles', async () => {
      const counting = new CountingProvider();
      let isBroken = true;
      const perform: PaymentProvider['perform'] = (call) =>
        isBroken && call.amount === 7 ? Promise.reject(new Error('scripted: 502')) : counting.perform(call);
      await start({ provider: { perform } });
      await node.setStock('P1', 50);
      const [stuck, ...others] = [1, 2, 3].map(orderIdOf);
      asker.ask('stuck', `ord_${stuck}`, place([{ productId: 'P1', quantity: 1, unitPrice: 7 }]), { commandId: 'p' });
      await waitUntil('it was tried some times', () => {
        node.world.clock.advance(1_000);
        return texts() !== '';
      });
      expect(texts())
        .to.include('scripted: 502')
        .and.include('payment provider')
        .and.match(/\((ord|pay)_[0-9a-f-]+\)/);
      for (const other of others)
        asker.ask(other, `ord_${other}`, place([{ productId: 'P1', quantity: 1, unitPrice: 1 }]), { commandId: 'p' });
      await asker.all();
      expect(texts(), 'others succeed').to.include('scripted: 502');
      isBroken = false;
      await waitUntil('it settles', async () => (await node.order(stuck!)).status === 'Confirmed');
      await node.quiet();
      expect(texts()).to.equal('');
    });

    it('forgets the steps of a shard that it loses', async () => {
      const perform = (): Promise<never> => Promise.reject(new Error('scripted: 502'));
      await start({ provider: { perform } });
      await node.setStock('P1', 50);
      asker.ask('stuck', `ord_${ORDER}`, place([{ productId: 'P1', quantity: 1, unitPrice: 7 }]), { commandId: 'p' });
      await waitUntil('it was tried some times', () => {
        node.world.clock.advance(1_000);
        return texts() !== '';
      });
      for (let shard = 0; shard < 8; shard++) node.region.disown(shard);
      expect(texts()).to.equal('');
    });

    it('says which entity that waits can not be read, whoever else can be', async () => {
      await start();
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      const letGo = node.world.provider.hold('capture');
      await node.place(ORDER, {}, { until: 'durable' });
      await waitUntil('the capture is asked for', () => node.world.provider.calls.length === 2);
      await node.journal.drain();
      await restart();
      letGo();
      node.store.failReads(new Error('scripted: invalid page'));
      await waitUntil('it was read some times', async () => {
        node.pass(10_000);
        await turns(3);
        return texts() !== '';
      });
      expect(texts()).to.include('an entity that waits can not be read').and.include('invalid page');
      node.store.failReads(undefined);
      await waitUntil('all are read', async () => {
        node.pass(10_000);
        await turns(3);
        return texts() === '';
      });
      await node.quiet();
    });

    it('says that snapshots can not be saved, until they can', async () => {
      await start();
      node.store.saveSnapshots = () => Promise.reject(new Error('scripted: disk full'));
      const snapshot = { entityId: STOCK } as Parameters<typeof node.region.saveSnapshot>[0];
      for (let tries = 0; tries < 6; tries++) {
        node.region.saveSnapshot(snapshot);
        node.world.clock.advance(3_000);
        await turns();
      }
      expect(texts()).to.include('snapshot').and.include('disk full').and.include(STOCK);
      node.store.saveSnapshots = () => Promise.resolve();
      node.region.saveSnapshot(snapshot);
      await turns();
      expect(texts()).to.equal('');
    });
  });

  describe('a defect of a handler', () => {
    /** Stock that throws at one command, as a bug would. */
    const withBug = (isHit: (command: { readonly type: string }) => boolean): EntityType[] => {
      const { decider } = stockActor;
      const buggy: typeof decider = {
        ...decider,
        decide: (state, command, at, answers) => {
          if (isHit(command)) throw new TypeError('scripted: a bug');
          return decider.decide(state, command, at, answers);
        },
      };
      return [{ ...stockActor, decider: buggy }];
    };
    const boom = { type: 'Boom' };

    it('answers its asker, and restarts the entity from the journal', async () => {
      await start({ types: withBug(({ type }) => type === 'Boom') });
      await node.setStock('P1', 5);
      expect(wordFor(await node.ask(STOCK, boom))).to.equal('outcome_unknown');
      expect((await node.stock('P1')).onHand).to.equal(5);
      expect(node.region.figures).to.deep.include({ crashes: 1, quarantined: [] });
    });

    it('leaves rows on their way alone: who waits for them hears of their commit', async () => {
      await start({ types: withBug(({ type }) => type === 'Boom') });
      await node.setStock('P1', 5);
      const open = node.store.hold();
      asker.ask('hold', STOCK, hold('h1', 2));
      asker.ask('boom', STOCK, boom);
      asker.ask('behind', STOCK);
      await turns(10);
      asker.ask('before its rows are answered', STOCK); // a read of the journal now would miss them
      await turns(10);
      open();
      expect(await asker.all()).to.have.members([
        'boom: outcome_unknown',
        'behind: done',
        'before its rows are answered: done',
        'hold: done',
      ]);
      expect((await node.stock('P1')).held).to.equal(2);
    });

    it('met while those who waited for the recovery are asked, answers each of them exactly once', async () => {
      await start();
      await node.setStock('P1', 5);
      await restart({ types: withBug(({ type }) => type === 'Boom') });
      asker.ask('before', STOCK);
      asker.ask('boom', STOCK, boom);
      for (let index = 0; index < 5; index++) asker.ask(`behind ${index}`, STOCK);
      await asker.all();
      expect(asker.heard).to.have.length(7);
      expect(asker.heard).to.include.members(['before: done', 'boom: outcome_unknown']);
      expect((await node.stock('P1')).onHand).to.equal(5);
    });

    it('in a step of an order does not leave it unsettled: it is taken up again', async () => {
      const { decider } = orderActor;
      let bugs = 3;
      const conclude: typeof decider.conclude = (effect, answer) => {
        if (effect.key === 'authorize' && bugs-- > 0) throw new TypeError('scripted: a bug');
        return decider.conclude(effect, answer);
      };
      await start({ types: [{ ...orderActor, decider: { ...decider, conclude } }] });
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      await node.place(ORDER, {}, { until: 'durable' });
      for (let round = 0; round < 8; round++) {
        await node.quiet();
        await node.projections.flush();
        node.pass(7_000);
      }
      await node.quiet();
      const [last] = node.world.rowsOf(`ord_${ORDER}`).slice(-1);
      expect(last!.events).to.include('OrderPaymentCaptured');
      expect(node.world.provider.moved('capture')).to.equal(610);
    });
  });

  describe('snapshots', () => {
    const HOLD_BYTES = 28;
    const withoutFirst = (packed: string): string =>
      Buffer.from(packed, 'base64').subarray(HOLD_BYTES).toString('base64');
    const VERSIONS = 1_300;
    /** A product with some open holds among many that came and went; its clock moves, or there would be one snapshot. */
    const busyStock = async (): Promise<void> => {
      await start({ types: typesIdleAfter(60_000) });
      await node.ask(STOCK, set(5_000), { commandId: 'seed', fingerprint: 'f' });
      for (let version = 2; version <= VERSIONS; version++) {
        const id = version % 3 === 0 ? release(holdIdOf(version - 1)) : hold(holdIdOf(version), 1 + (version % 4));
        void node.ask(STOCK, id);
        if (version % 50 === 0) {
          await node.quiet();
          node.world.clock.advance(1_000);
        }
      }
      await node.quiet();
    };
    const snapshotOf = () => node.world.log.snapshots.get(STOCK);
    /** All of the state that can be seen, through its answers. */
    const seen = async (): Promise<unknown[]> => {
      const level = await node.stock('P1');
      const known: string[] = [];
      for (const n of [2, 4, 1_297, 1_298, 9_999])
        known.push(wordFor(await node.ask(STOCK, hold(holdIdOf(n), 1_000_000))));
      const seed = await node.ask(STOCK, set(1), { commandId: 'seed', fingerprint: 'other' });
      return [level, known, wordFor(seed)];
    };

    it('with the rows after them give the same as the whole log', async () => {
      await busyStock();
      const { version } = snapshotOf()!;
      expect(version).to.be.greaterThan(500).and.lessThan(VERSIONS);
      const live = await seen();
      await restart();
      expect(await seen()).to.deep.equal(live);
      expect(node.store.snapshotsUsed, 'the snapshot was used').to.be.greaterThan(0);
      node.world.log.snapshots.clear();
      await restart();
      expect(await seen()).to.deep.equal(live);
      expect(node.store.snapshotsUsed).to.equal(0);
    });

    it('are saved of committed state only', async () => {
      await start();
      await node.setStock('P1', 100_000);
      for (let version = 2; version <= 520; version++) void node.ask(STOCK, hold(holdIdOf(version), 1));
      const open = node.store.hold();
      await turns(20);
      expect(snapshotOf()).to.equal(undefined);
      open();
      await node.quiet();
      expect(snapshotOf()!.version).to.be.at.most(node.world.rowsOf(STOCK).length);
    });

    it('come at most every ten seconds', async () => {
      await start();
      const saved: number[] = [];
      node.store.onSnapshots = (snapshots) => saved.push(...snapshots.map(({ version }) => version));
      await node.setStock('P1', 100_000);
      for (let version = 2; version <= 2_600; version++) void node.ask(STOCK, hold(holdIdOf(version), 1));
      await node.quiet();
      expect(saved).to.have.length(1);
      node.world.clock.advance(10_000);
      await node.ask(STOCK, hold('later', 1));
      await node.quiet();
      expect(saved).to.have.length(2);
    });

    for (const [name, content] of [
      ['is empty', {}],
      ['is null', null],
      ['has no state', { known: [] }],
      ['has a state of another form', { state: { holds: 5 }, known: [] }],
      ['has no known commands', { state: { productId: 'P1', warehouses: [], holds: [], closed: [] } }],
    ] as const) {
      it(`are ignored when their content ${name}`, async () => {
        await busyStock();
        const live = await seen();
        node.world.log.snapshots.set(STOCK, { ...snapshotOf()!, state: JSON.stringify(content) });
        await restart();
        expect(await seen()).to.deep.equal(live);
        expect(node.region.figures.quarantined).to.deep.equal([]);
      });
    }

    for (const [name, damage] of [
      ['the rows after them contradict them', (state: StoredStock) => state.closed.push([holdIdOf(1_298), NOT_AFTER])],
      [
        'an open hold is missing in them',
        (state: StoredStock) => (state.holds.packed = withoutFirst(state.holds.packed)),
      ],
      ['an open hold is cut off in them', (state: StoredStock) => (state.holds.packed = state.holds.packed.slice(8))],
      ['their sums are wrong', (state: StoredStock) => (state.onHand += 1)],
    ] as const) {
      it(`are ignored when ${name}`, async () => {
        await busyStock();
        const live = await seen();
        const content = JSON.parse(snapshotOf()!.state) as { state: StoredStock };
        damage(content.state);
        node.world.log.snapshots.set(STOCK, { ...snapshotOf()!, state: JSON.stringify(content) });
        await restart();
        expect(await seen()).to.deep.equal(live);
      });
    }

    it('are ignored when their schema is another one', async () => {
      await busyStock();
      const live = await seen();
      node.world.log.snapshots.set(STOCK, { ...snapshotOf()!, schema: 99, state: '{"from":"another build"}' });
      await restart();
      expect(await seen()).to.deep.equal(live);
    });

    it('are ignored when they are ahead of their log', async () => {
      await busyStock();
      const live = await seen();
      node.world.log.snapshots.set(STOCK, { ...snapshotOf()!, version: VERSIONS + 1_000 });
      await restart();
      expect(await seen()).to.deep.equal(live);
    });
  });

  describe('who caused a row', () => {
    it('stands in the one row of its command; what an order does by itself has none', async () => {
      await start();
      const by = { channel: 'http', who: 'alice', role: 'customer', requestId: 'r' } as const;
      for (const productId of ['P1', 'P2']) await node.setStock(productId, 5);
      await node.ask(orderEntity(ORDER), place(), { until: 'settled', by });
      await node.quiet();
      const own = node.world.rows.filter(({ events }) => !events.includes('StockSet'));
      expect(own).to.have.length(11);
      const named = own.filter(({ meta }) => meta !== null);
      expect(named.map(({ entityId, version, meta }) => [entityId, version, meta])).to.deep.equal([
        [orderEntity(ORDER), 1, { by }],
      ]);
    });

    it('stands also in a row that only binds its id', async () => {
      await start();
      const by = { channel: 'message', who: 'shop', requestId: 'm' } as const;
      await node.ask(STOCK, set(5));
      await node.ask(STOCK, set(5), { commandId: 'k', fingerprint: 'f', by });
      expect(node.world.rowsOf(STOCK)[1]?.meta).to.deep.equal({ fingerprint: 'f', by });
    });
  });

  describe('the trace of a command', () => {
    const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const OTHER = '00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00';
    /** Of each row that is not the opening stock's. */
    const traces = (): (string | undefined)[] =>
      node.world.rows.filter(({ events }) => !events.includes('StockSet')).map(({ meta }) => meta?.traceparent);
    const stocked = async (): Promise<void> => {
      await start();
      for (const productId of ['P1', 'P2']) await node.setStock(productId, 5);
    };

    it('stands in every row that it set off, of every entity, and of a step that a later process takes', async () => {
      await stocked();
      const open = node.world.provider.hold('authorize');
      asker.ask('place', orderEntity(ORDER), place(), { traceparent: TRACE });
      await waitUntil('the provider is asked', () => node.world.provider.calls.length > 0);
      await restart();
      open();
      expect(wordFor(await node.ask(orderEntity(ORDER), undefined, { until: 'settled' }))).to.equal('done');
      await node.quiet();
      const kinds = new Set(node.world.rows.map(({ entityId }) => entityId.slice(0, 4)));
      expect([...kinds]).to.have.members(['ord_', 'pay_', 'res_', 'stk_']);
      expect(new Set(traces())).to.deep.equal(new Set([TRACE]));
    });

    it('is not that of the next one, nor is there one where nobody gave it', async () => {
      await stocked();
      await node.ask(orderEntity(ORDER), place(), { until: 'settled' });
      await node.quiet();
      expect(new Set(traces())).to.deep.equal(new Set([undefined]));
      const before = node.world.rows.length;
      const cancel = { type: 'CancelOrder', reason: 'no more' };
      await node.ask(orderEntity(ORDER), cancel, { commandId: 'cancel', until: 'settled', traceparent: OTHER });
      await node.quiet();
      expect(node.world.rows.length).to.be.greaterThan(before + 2);
      expect(new Set(traces())).to.deep.equal(new Set([undefined, OTHER]));
      expect(traces().filter((trace) => trace === OTHER)).to.have.length(node.world.rows.length - before);
    });
  });

  /** The same world in a new process. */
  async function restart(options: Parameters<typeof InMemoryNode.start>[0] = {}): Promise<void> {
    await node.journal.drain();
    node.kill();
    await node.stop();
    await start({ ...options, world: node.world });
  }
});

function place(
  lines = [
    { productId: 'P1', quantity: 2, unitPrice: 255 },
    { productId: 'P2', quantity: 1, unitPrice: 100 },
  ],
) {
  return { type: 'PlaceOrder' as const, terms: orderTerms({ lines }), unknownProducts: [] };
}
