/** The projections of one worker over a store that fails as told. */
import { expect } from 'chai';
import { HeldClock } from '../test/support/manual-clock.ts';
import { orderChange, orderIdOf, placedOrder, stockChange, stockLevelOf } from '../test/support/order-states.ts';
import { ScriptedProjectionStore } from '../test/support/scripted-projection-store.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { turns, waitUntil } from '../test/support/wait-until.ts';
import type { Unwritable } from './ports.ts';
import { Projections } from './projections.ts';
import type { ViewChange } from './view-definition.ts';

const ORDER = orderIdOf(1);
const ENTITY = `ord_${ORDER}`;
const ENTITIES_OF_AN_EARLY_FLUSH = 2_000;

class Bench {
  readonly clock = new HeldClock();
  readonly store = new ScriptedProjectionStore();
  readonly wakes: Record<string, number>[] = [];
  readonly lost: number[] = [];
  readonly apart: Unwritable[] = [];
  readonly written: string[] = [];
  listFails = false;
  readonly projections = new Projections(this.store, this.clock, silentLog, {
    wakesChanged: (wakes) => this.wakes.push(Object.fromEntries(wakes)),
    shardLost: (shard) => {
      this.lost.push(shard);
      this.projections.disown(shard); // as the shard's keeper does
    },
    setApart: (unwritable) => {
      if (this.listFails) return Promise.reject(new Error('scripted: the list is away'));
      this.apart.push(unwritable);
      return Promise.resolve();
    },
    written: (entityId) => this.written.push(entityId),
  });
  readonly #seqs = new Map<number, number>();

  constructor(...shards: number[]) {
    for (const shard of shards) this.projections.own(shard, 0, []);
  }

  /** One committed row. */
  row(shard: number, entityId: string, version: number, wakeAt: number | null, view?: ViewChange): void {
    const seq = (this.#seqs.get(shard) ?? 0) + 1;
    this.#seqs.set(shard, seq);
    this.projections.apply({ shard, seq, entityId, version, wakeAt, view });
  }

  order(shard: number, version: number, wakeAt: number | null, orderId = ORDER): void {
    const view = orderChange(placedOrder(orderId, { updatedAt: version }), shard, {
      version,
      settled: wakeAt === null,
    });
    this.row(shard, `ord_${orderId}`, version, wakeAt, view);
  }

  orderVersion(orderId = ORDER): number | undefined {
    return this.store.order(orderId)?.version;
  }

  async checkpoint(shard: number): Promise<number | undefined> {
    return (await this.store.checkpoints([shard])).get(shard);
  }

  async flush(): Promise<void> {
    await this.projections.flush();
  }

  async end(): Promise<void> {
    await this.projections.close(-1);
  }
}

describe('projections', () => {
  let bench: Bench;
  const over = (...shards: number[]): Bench => (bench = new Bench(...shards));
  afterEach(() => bench.end());

  describe('a view written again without a new row', () => {
    const refreshed = (version: number, wakeAt: number | null) => ({
      shard: 1,
      entityId: ENTITY,
      version,
      wakeAt,
      view: orderChange(placedOrder(ORDER, { updatedAt: version }), 1, { version, settled: wakeAt === null }),
    });

    it('is flushed with its wake-up, and the checkpoint stays', async () => {
      over(1);
      bench.row(1, 'res_x', 1, null);
      await bench.flush();
      expect(await bench.checkpoint(1)).to.equal(1);
      bench.projections.refresh(refreshed(4, 77));
      await bench.flush();
      expect(bench.store.sent.at(-1)!.moves).to.deep.equal([{ shard: 1, from: 1, to: 1 }]);
      expect([bench.orderVersion(), await bench.checkpoint(1)]).to.deep.equal([4, 1]);
      expect(bench.store.waiting.get(ENTITY)?.wakeAt).to.equal(77);
      expect(bench.wakes).to.deep.equal([{ [ENTITY]: 77 }]);
      expect(bench.lost).to.deep.equal([]);
    });

    it('takes away a wake-up that is left from before', async () => {
      over(1);
      bench.store.waiting.set(ENTITY, { shard: 1, entityId: ENTITY, wakeAt: 5 });
      bench.projections.refresh(refreshed(4, null));
      await bench.flush();
      expect(bench.store.waiting.has(ENTITY)).to.equal(false);
    });

    it('is tried again when its flush fails', async () => {
      over(1);
      bench.store.next('fails');
      bench.projections.refresh(refreshed(4, 77));
      await bench.flush();
      expect(bench.orderVersion()).to.equal(undefined);
      await waitUntil('it is written', () => bench.orderVersion() === 4);
    });

    it('is dropped with its shard, and never begun for one that is another owner’s', async () => {
      over(1);
      bench.projections.refresh({ ...refreshed(4, 77), shard: 2 });
      bench.projections.refresh(refreshed(4, 77));
      bench.projections.disown(1);
      await bench.flush();
      expect(bench.store.sent).to.deep.equal([]);
    });
  });

  it('tell how long the oldest row that they lack has waited', async () => {
    over(1);
    expect(bench.projections.lagMs).to.equal(0);
    const open = bench.store.hold();
    bench.order(1, 1, null);
    const flush = bench.flush();
    bench.clock.advance(20);
    expect(bench.projections.lagMs).to.equal(20);
    open();
    await flush;
    expect(bench.projections.lagMs).to.equal(0);
  });

  describe('a flush', () => {
    it('writes the last of many changes to an entity, once, and moves the checkpoint over all of them', async () => {
      over(1);
      for (const version of [1, 2, 3]) bench.order(1, version, 100 + version);
      const stock = stockChange(stockLevelOf('p', 5, 1), 1, { at: 9 });
      bench.row(1, 'stk_p', 1, null, stock);
      bench.row(1, 'res_x', 1, null);
      await bench.flush();
      const [flush] = bench.store.sent;
      expect(bench.store.sent).to.have.length(1);
      expect(flush!.moves).to.deep.equal([{ shard: 1, from: 0, to: 5 }]);
      const order = orderChange(placedOrder(ORDER, { updatedAt: 3 }), 1, { version: 3 });
      expect(flush!.changes).to.deep.equal([order, stock]);
      expect(flush!.wakeUps).to.deep.equal([{ shard: 1, entityId: ENTITY, wakeAt: 103 }]);
      expect(bench.projections.lagRows).to.equal(0);
    });

    it('begins by itself some time after a row', async () => {
      over(1);
      bench.order(1, 1, null);
      await waitUntil('it is flushed', () => bench.store.sent.length === 1);
    });

    it('of nothing sends nothing', async () => {
      over(1);
      await bench.flush();
      expect(bench.store.sent).to.deep.equal([]);
    });

    it('never touches the wake-ups of an entity that settles within it', async () => {
      over(1);
      bench.order(1, 1, 100);
      bench.order(1, 2, null);
      await bench.flush();
      expect(bench.store.sent[0]).to.deep.include({ wakeUps: [], settled: [] });
      expect(bench.wakes).to.deep.equal([]);
    });

    it('clears a wake-up that an earlier flush has written, once', async () => {
      over(1);
      bench.order(1, 1, 100);
      await bench.flush();
      bench.order(1, 2, null);
      await bench.flush();
      bench.order(1, 3, null);
      await bench.flush();
      expect(bench.store.sent.map(({ settled }) => settled.length)).to.deep.equal([0, 1, 0]);
      expect(bench.store.waiting.size).to.equal(0);
    });

    it('clears a wake-up that was in the table when the shard was taken', async () => {
      over();
      bench.projections.own(1, 0, [ENTITY]);
      bench.order(1, 1, null);
      await bench.flush();
      expect(bench.store.sent[0]!.settled).to.deep.equal([{ shard: 1, entityId: ENTITY }]);
    });

    it('says who waits once that is durable', async () => {
      over(1);
      const open = bench.store.hold();
      bench.order(1, 1, 100);
      const flushed = bench.flush();
      await turns();
      expect(bench.wakes).to.deep.equal([]);
      open();
      await flushed;
      expect(bench.wakes).to.deep.equal([{ [ENTITY]: 100 }]);
    });

    it('says nothing of an entity that settled while it was under way', async () => {
      over(1);
      const open = bench.store.hold();
      bench.order(1, 1, 100);
      const flushed = bench.flush();
      await turns();
      bench.order(1, 2, null);
      open();
      await flushed;
      expect(bench.wakes).to.deep.equal([]);
    });

    it('that is begun amid a batch of rows has its wake-ups cleared by the rest of the batch', async () => {
      over(1);
      bench.order(1, 1, 5);
      for (let n = 2; n <= ENTITIES_OF_AN_EARLY_FLUSH; n++) bench.order(1, 1, null, orderIdOf(n));
      bench.order(1, 2, null);
      await bench.flush();
      expect(bench.store.sent[0]!.wakeUps, 'it was begun before').to.deep.equal([
        { shard: 1, entityId: ENTITY, wakeAt: 5 },
      ]);
      await bench.flush();
      expect(bench.store.waiting.has(ENTITY)).to.equal(false);
    });

    it('freezes its changes and its checkpoint together: what comes meanwhile goes with the next', async () => {
      over(1);
      const open = bench.store.hold();
      bench.order(1, 1, 100);
      const flushed = bench.flush();
      await turns();
      bench.order(1, 2, null);
      bench.order(1, 3, null);
      expect(bench.projections.lagRows).to.equal(3);
      open();
      await flushed;
      expect([bench.orderVersion(), await bench.checkpoint(1), bench.projections.lagRows]).to.deep.equal([1, 1, 2]);
      await bench.flush();
      expect(bench.store.sent[1]!.moves).to.deep.equal([{ shard: 1, from: 1, to: 3 }]);
      expect([bench.orderVersion(), bench.store.waiting.size]).to.deep.equal([3, 0]);
    });

    it('is one at a time: a second call waits for the same', async () => {
      over(1);
      const open = bench.store.hold();
      bench.order(1, 1, null);
      const both = [bench.flush(), bench.flush()];
      await turns();
      open();
      await Promise.all(both);
      expect(bench.store.sent).to.have.length(1);
    });
  });

  describe('a flush that fails', () => {
    it('is tried again with the newer changes on top', async () => {
      over(1);
      bench.store.next('fails');
      const other = orderIdOf(2);
      bench.order(1, 1, 100);
      bench.order(1, 1, null, other);
      const open = bench.store.hold();
      const flushed = bench.flush();
      await turns();
      bench.order(1, 2, 200);
      open();
      await flushed;
      expect(bench.projections.lagRows).to.equal(3);
      await bench.flush();
      expect(bench.store.sent[1]!.moves).to.deep.equal([{ shard: 1, from: 0, to: 3 }]);
      expect([bench.orderVersion(), bench.orderVersion(other), await bench.checkpoint(1)]).to.deep.equal([2, 1, 3]);
      expect(bench.wakes).to.deep.equal([{ [ENTITY]: 200 }]);
      expect([bench.projections.lagRows, bench.lost]).to.deep.equal([0, []]);
    });

    it('but was applied is found to be, and its shard is kept', async () => {
      over(1, 2);
      bench.store.next('unknown');
      bench.order(1, 1, null);
      bench.order(2, 1, null, orderIdOf(2));
      await bench.flush();
      expect(bench.projections.lagRows).to.equal(0);
      bench.order(1, 2, null);
      await bench.flush();
      expect([await bench.checkpoint(1), bench.orderVersion(), bench.lost]).to.deep.equal([2, 2, []]);
    });

    it('but was applied says who waits: nobody else would wake them', async () => {
      over(1);
      bench.store.next('unknown');
      bench.order(1, 1, 100);
      await bench.flush();
      expect(bench.wakes).to.deep.equal([{ [ENTITY]: 100 }]);
    });

    it('but was applied has its wake-ups cleared when their entities settle', async () => {
      over(1);
      bench.store.next('unknown');
      bench.order(1, 1, 100);
      await bench.flush();
      bench.order(1, 2, null);
      await bench.flush();
      expect([...bench.store.waiting.keys()]).to.deep.equal([]);
    });

    it('but was applied while newer changes came is cleared of their entities, too', async () => {
      over(1);
      bench.store.next('unknown');
      const open = bench.store.hold();
      bench.order(1, 1, 100);
      const flushed = bench.flush();
      await turns();
      bench.order(1, 2, null);
      open();
      await flushed;
      await bench.flush();
      expect([...bench.store.waiting.keys()]).to.deep.equal([]);
      expect(bench.wakes).to.deep.equal([]);
    });

    it('whose fate can not be read, but was applied, costs the shard: it is taken anew', async () => {
      over(1);
      bench.store.next('unknown');
      bench.store.checkpointsFail = true;
      bench.order(1, 1, null);
      await bench.flush();
      bench.store.checkpointsFail = false;
      await bench.flush();
      expect(bench.lost).to.deep.equal([1]);
    });

    for (const script of ['fails', 'unknown'] as const) {
      it(`brings back nothing of a shard that was given up meanwhile (${script})`, async () => {
        over(1, 2);
        bench.store.next(script);
        const open = bench.store.hold();
        bench.order(1, 1, 100);
        bench.order(2, 1, null, orderIdOf(2));
        const flushed = bench.flush();
        await turns();
        bench.projections.disown(1);
        open();
        await flushed;
        // The next owner, perhaps this worker again, has read the journal and knows better.
        await bench.store.flush({
          moves: [{ shard: 1, from: (await bench.checkpoint(1))!, to: 10 }],
          changes: [orderChange(placedOrder(ORDER), 1, { version: 9, settled: true })],
          wakeUps: [],
          settled: [{ shard: 1, entityId: ENTITY }],
        });
        bench.projections.own(1, 10, []);
        bench.projections.apply({ shard: 1, seq: 11, entityId: 'res_y', version: 1, wakeAt: null, view: undefined });
        await bench.flush();
        expect([bench.orderVersion(), bench.store.waiting.size, bench.orderVersion(orderIdOf(2))]).to.deep.equal([
          9, 0, 1,
        ]);
        expect(bench.projections.lagRows).to.equal(0);
      });
    }
  });

  describe('an entity that can’t be written', () => {
    const [good, bad] = [orderIdOf(2), orderIdOf(3)];
    const refuseView = (): void => {
      bench.store.refuses = (flush) => flush.changes.some(({ entityId }) => entityId === `ord_${bad}`);
    };
    const refreshed = (version: number) => ({
      shard: 1,
      entityId: `ord_${bad}`,
      version,
      wakeAt: null,
      view: orderChange(placedOrder(bad), 1, { version, settled: true }),
    });

    it('is set apart alone: others are written, checkpoints move, and nothing is behind', async () => {
      over(1, 2);
      refuseView();
      bench.order(1, 1, 50, bad);
      bench.order(1, 1, null, good);
      bench.order(2, 1, 100);
      await bench.flush();
      expect(bench.apart).to.have.length(1);
      expect(bench.apart[0]).to.include({ entityId: `ord_${bad}`, shard: 1, what: 'view' });
      expect(bench.apart[0]!.reason).to.include("its view can't be written");
      expect([bench.orderVersion(good), bench.orderVersion(), bench.orderVersion(bad)]).to.deep.equal([
        1,
        1,
        undefined,
      ]);
      expect([await bench.checkpoint(1), await bench.checkpoint(2)]).to.deep.equal([2, 1]);
      expect([bench.projections.lagRows, bench.projections.lagMs]).to.deep.equal([0, 0]);
      expect(bench.projections.apart).to.deep.equal([`ord_${bad}`]);
      expect(bench.store.waiting.get(`ord_${bad}`)?.wakeAt, 'its wake-up is written').to.equal(50);
      expect(bench.wakes.at(-1)).to.deep.equal({ [`ord_${bad}`]: 50, [ENTITY]: 100 });
    });

    it('is known from then on: its next rows cost one flush, and nothing is said again', async () => {
      over(1);
      refuseView();
      bench.order(1, 1, 50, bad);
      await bench.flush();
      const { length } = bench.store.sent;
      bench.order(1, 2, null, bad);
      bench.order(1, 1, null, good);
      await bench.flush();
      expect(bench.store.sent).to.have.length(length + 1);
      expect(bench.store.sent.at(-1)!.changes.map(({ entityId }) => entityId)).to.deep.equal([`ord_${good}`]);
      expect(bench.store.waiting.has(`ord_${bad}`)).to.equal(false);
      expect(bench.apart).to.have.length(1);
    });

    it('is written when it is tried again and can be, and leaves the list only then', async () => {
      over(1);
      refuseView();
      bench.order(1, 1, null, bad);
      await bench.flush();
      bench.projections.refresh(refreshed(1), true);
      await bench.flush();
      expect([bench.apart.length, bench.written.length]).to.deep.equal([2, 0]);
      bench.store.refuses = () => false;
      bench.store.next('fails'); // an outage in between changes nothing
      bench.projections.refresh(refreshed(1), true);
      await bench.flush();
      expect(bench.written).to.deep.equal([]);
      await bench.flush();
      expect(bench.written).to.deep.equal([`ord_${bad}`]);
      expect([bench.orderVersion(bad), bench.projections.apart.length]).to.deep.equal([1, 0]);
    });

    it('stays on the list where it is tried again while a vain try is under way', async () => {
      over(1);
      refuseView();
      bench.order(1, 1, null, bad);
      await bench.flush();
      bench.projections.refresh(refreshed(1), true);
      const under = bench.flush();
      while (bench.projections.apart.length === 0) await new Promise(setImmediate);
      bench.store.refuses = () => false;
      bench.projections.refresh(refreshed(1), true);
      await under;
      expect([bench.written.length, bench.orderVersion(bad)]).to.deep.equal([0, undefined]);
      await bench.flush();
      expect([bench.written, bench.orderVersion(bad)]).to.deep.equal([[`ord_${bad}`], 1]);
    });

    it('is not passed over before it stands on the list', async () => {
      over(1);
      refuseView();
      bench.listFails = true;
      bench.order(1, 1, null, bad);
      await bench.flush();
      expect([await bench.checkpoint(1), bench.projections.lagRows]).to.deep.equal([0, 1]);
      bench.listFails = false;
      await bench.flush();
      expect([await bench.checkpoint(1), bench.projections.lagRows, bench.apart.length]).to.deep.equal([1, 0, 1]);
    });

    it('of which the wake-up is refused is woken from here all the same', async () => {
      over(1);
      bench.store.refuses = (flush) => flush.wakeUps.some(({ entityId }) => entityId === `ord_${bad}`);
      bench.order(1, 1, 50, bad);
      await bench.flush();
      expect(bench.apart.map(({ what }) => what)).to.deep.equal(['wake-up']);
      expect(bench.orderVersion(bad)).to.equal(1);
      expect(bench.wakes).to.deep.equal([{ [`ord_${bad}`]: 50 }]);
    });

    it('is forgotten with its shard: the next owner finds out for itself', async () => {
      over(1);
      refuseView();
      bench.order(1, 1, null, bad);
      await bench.flush();
      bench.projections.disown(1);
      expect(bench.projections.apart).to.deep.equal([]);
    });

    it('but neither would an empty flush: none is set apart, as in an outage', async () => {
      over(1);
      bench.store.refuses = () => true;
      bench.order(1, 1, null, bad);
      bench.order(1, 1, null, good);
      await bench.flush();
      expect([bench.apart.length, bench.projections.lagRows]).to.deep.equal([0, 2]);
      bench.store.refuses = () => false;
      await bench.flush();
      expect([bench.orderVersion(bad), bench.orderVersion(good)]).to.deep.equal([1, 1]);
    });
  });

  describe('another owner', () => {
    it('that moved the checkpoint is noticed: the shard is lost, the others go on', async () => {
      over(1, 2);
      await bench.store.flush({
        moves: [{ shard: 1, from: 0, to: 5 }],
        changes: [],
        wakeUps: [],
        settled: [],
      });
      bench.order(1, 1, 100);
      bench.order(2, 1, 200, orderIdOf(2));
      await bench.flush();
      expect(bench.lost).to.deep.equal([1]);
      expect([bench.orderVersion(), bench.orderVersion(orderIdOf(2))]).to.deep.equal([undefined, 1]);
      expect(bench.wakes).to.deep.equal([{ [`ord_${orderIdOf(2)}`]: 200 }]);
      expect(bench.projections.lagRows).to.equal(0);
    });
  });

  describe('a shard', () => {
    it('is lost when a row of its log is missing', () => {
      over(1);
      bench.order(1, 1, null);
      bench.projections.apply({ shard: 1, seq: 3, entityId: ENTITY, version: 2, wakeAt: null, view: undefined });
      expect(bench.lost).to.deep.equal([1]);
      expect(bench.projections.lagRows).to.equal(0);
    });

    it('that was given up is forgotten with everything not yet flushed of it', async () => {
      over(1, 2);
      bench.order(1, 1, 100);
      bench.order(2, 1, null, orderIdOf(2));
      bench.projections.disown(1);
      bench.order(1, 2, null); // a late commit of the former epoch
      await bench.flush();
      expect(bench.store.sent[0]!.moves).to.deep.equal([{ shard: 2, from: 0, to: 1 }]);
      expect([bench.orderVersion(), bench.store.waiting.size, bench.projections.lagRows]).to.deep.equal([
        undefined,
        0,
        0,
      ]);
    });

    it('that is taken again goes on from its new checkpoint', async () => {
      over(1);
      bench.order(1, 1, null);
      bench.projections.disown(1);
      await bench.store.flush({
        moves: [{ shard: 1, from: 0, to: 4 }],
        changes: [],
        wakeUps: [],
        settled: [],
      });
      bench.projections.own(1, 4, []);
      bench.projections.apply({ shard: 1, seq: 5, entityId: 'res_y', version: 1, wakeAt: null, view: undefined });
      await bench.flush();
      expect([await bench.checkpoint(1), bench.lost]).to.deep.equal([5, []]);
    });

    it('can be taken once no flush is under way', async () => {
      over(1);
      const open = bench.store.hold();
      bench.order(1, 1, null);
      void bench.flush();
      let quiet = false;
      const quiesced = bench.projections.quiesce().then(() => (quiet = true));
      await turns();
      expect(quiet).to.equal(false);
      open();
      await quiesced;
      expect(bench.store.sent).to.have.length(1);
    });
  });

  it('are full at the limit of rows behind the journal, and not any more after a flush', async () => {
    over(1);
    const open = bench.store.hold();
    for (let version = 1; version < 200_000; version++) bench.row(1, 'stk_p', version, null);
    expect(bench.projections.full).to.equal(false);
    bench.row(1, 'stk_p', 200_000, null);
    expect(bench.projections.full).to.equal(true);
    open();
    await bench.flush();
    await bench.flush();
    expect(bench.projections.full).to.equal(false);
  });

  describe('closing', () => {
    it('writes everything, also after failures', async () => {
      over(1);
      bench.store.next('fails');
      bench.order(1, 1, null);
      await bench.projections.close(1);
      expect([bench.orderVersion(), bench.projections.lagRows]).to.deep.equal([1, 0]);
    });

    it('does not wait for what fails again and again', async () => {
      over(1);
      bench.store.next(...Array.from({ length: 20 }, () => 'fails' as const));
      bench.order(1, 1, null);
      await bench.projections.close(1);
      expect(bench.store.sent.length).to.be.at.most(2);
    });

    it('gives up at its deadline', async () => {
      over(1);
      bench.store.next('fails', 'fails', 'fails');
      bench.order(1, 1, null);
      const closed = bench.projections.close(1);
      bench.clock.advance(1);
      await closed;
      expect(bench.projections.lagRows).to.equal(1);
    });
  });
});
