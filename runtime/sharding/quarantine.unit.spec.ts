/** Entities that crash, and entities that can't be read: who is set apart, who hears what, and how they come back. */
import { expect } from 'chai';
import { stockEntity } from '../../actors/stock/stock.ts';
import { InMemoryNode, World } from '../../test/support/in-memory-node.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import type { Answer } from '../ask.ts';
import type { EntityType } from '../entity/entity-type.ts';
import { stockActor } from '../../actors/stock/index.ts';

const STOCK = stockEntity('P1');
const ORDER = orderIdOf(1);
const wordFor = (answer: Answer): string => (answer.kind === 'failed' ? answer.code : answer.kind);
const STOCK_SET = JSON.stringify([{ type: 'StockSet', warehouseId: 'main', onHand: 5 }]);

function damage(world: World, entityId: string, index = 0, events = '[{"type":"Eaten"}]'): string {
  const rows = world.log.entities.get(entityId)!;
  const row = rows[index]!;
  const damaged = { ...row, events };
  rows[index] = damaged;
  const shard = world.log.shard(row.shard);
  shard[row.seq - 1] = damaged;
  return row.events;
}

describe('entities set apart', () => {
  let node: InMemoryNode;
  afterEach(async () => {
    node.kill();
    await node.stop();
  });

  /** What a node leaves that dies before any of it is flushed. */
  const worldWithStock = async (): Promise<World> => {
    const world = new World();
    node = await InMemoryNode.start({ world });
    await node.setStock('P1', 5);
    await node.setStock('P2', 5);
    await node.quiet();
    node.kill();
    return world;
  };
  const viewOf = (world: World, productId: string) =>
    [...world.readModels.stocks.values()].find((row) => row.productId === productId);
  const isReadAgain = (): Promise<void> =>
    waitUntil(
      'it is off the list',
      () => node.world.quarantine.size === 0,
      () => node.region.figures,
    );

  describe('because they can’t be read', () => {
    it('are recorded with the reason; everybody else goes on', async () => {
      const world = await worldWithStock();
      damage(world, STOCK);
      node = await InMemoryNode.start({ world });
      expect(wordFor(await node.ask(STOCK))).to.equal('quarantined');
      expect((await node.stock('P2')).onHand).to.equal(5);
      expect([...world.quarantine.keys()]).to.deep.equal([STOCK]);
      const { shard, reason } = world.quarantine.get(STOCK)!;
      expect(shard).to.equal(node.region.shardOf(STOCK));
      expect(reason).to.include('Eaten');
      expect(node.region.figures.quarantined).to.deep.equal([STOCK]);
      expect(node.guardian.counts.stop).to.equal(1);
    });

    it('come back when they are mended and tried again: off the list, and their view is written', async () => {
      const world = await worldWithStock();
      damage(world, STOCK);
      node = await InMemoryNode.start({ world });
      expect(wordFor(await node.ask(STOCK))).to.equal('quarantined');
      expect(viewOf(world, 'P1'), 'its view was left behind').to.equal(undefined);
      damage(world, STOCK, 0, STOCK_SET);
      expect(wordFor(await node.ask(STOCK)), 'not listed yet').to.equal('quarantined');
      node.region.retryQuarantined(STOCK);
      await isReadAgain();
      expect(node.region.figures.quarantined).to.deep.equal([]);
      expect((await node.stock('P1')).onHand).to.equal(5);
      const rows = world.rows.length;
      await node.projections.flush();
      expect(viewOf(world, 'P1')).to.include({ onHand: 5, version: 1 });
      expect(world.rows.length, 'without a new row').to.equal(rows);
      expect((await node.setStock('P1', 6)).kind).to.equal('done');
    });

    it('that are still damaged when tried again are set apart again, and stay on the list', async () => {
      const world = await worldWithStock();
      damage(world, STOCK);
      node = await InMemoryNode.start({ world });
      await node.ask(STOCK);
      const reads = node.store.reads.length;
      node.region.retryQuarantined(STOCK);
      await waitUntil('it was read', () => node.store.reads.length > reads);
      await waitUntil('it is set apart', () => node.region.figures.quarantined.length === 1);
      expect([...world.quarantine.keys()]).to.deep.equal([STOCK]);
      expect(wordFor(await node.ask(STOCK))).to.equal('quarantined');
    });

    it('are tried again when their shard is taken: a mended one comes back by itself, with its view', async () => {
      const world = await worldWithStock();
      damage(world, STOCK);
      node = await InMemoryNode.start({ world });
      await node.ask(STOCK);
      node.kill();
      damage(world, STOCK, 0, STOCK_SET);
      node = await InMemoryNode.start({ world });
      await isReadAgain();
      await node.projections.flush();
      expect(viewOf(world, 'P1')).to.include({ onHand: 5 });
    });

    it('an order of them goes on where it stood once it is mended', async () => {
      const world = await worldWithStock();
      node = await InMemoryNode.start({ world });
      const letGo = world.provider.hold('capture');
      await node.place(ORDER, {}, { until: 'durable' });
      await waitUntil('its capture is asked for', () => world.provider.calls.length === 2);
      await node.journal.drain();
      node.kill();
      letGo();
      const events = damage(world, `ord_${ORDER}`, 1);
      node = await InMemoryNode.start({ world });
      expect(wordFor(await node.ask(`ord_${ORDER}`))).to.equal('quarantined');
      node.pass(10_000);
      await turns(20);
      expect(world.readModels.order(ORDER)).to.equal(undefined);
      damage(world, `ord_${ORDER}`, 1, events);
      node.region.retryQuarantined(`ord_${ORDER}`);
      await isReadAgain();
      await waitUntil('it is settled', async () => {
        await node.projections.flush();
        node.pass(1_000);
        return world.readModels.order(ORDER)?.settled === true;
      });
      expect(world.readModels.waiting.has(`ord_${ORDER}`)).to.equal(false);
      expect(world.provider.moved('capture')).to.equal(610);
    });

    it('ignores a request to retry an entity that lives elsewhere, or an id of no entity', async () => {
      const world = await worldWithStock();
      node = await InMemoryNode.start({ world });
      node.region.disown(node.region.shardOf(STOCK));
      const reads = node.store.reads.length;
      for (const entityId of [STOCK, 'xyz_1', '', 'stk_']) node.region.retryQuarantined(entityId);
      await turns(10);
      expect(node.store.reads.length).to.equal(reads);
      expect(node.region.figures.crashes).to.equal(0);
    });
  });

  describe('because their view can’t be written', () => {
    const refuse = (world: World, productId: string): void => {
      world.readModels.refuses = ({ changes }) => changes.some(({ entityId }) => entityId === stockEntity(productId));
    };

    it('are on the list while they go on themselves; their shard’s next owner starts and finds them again', async () => {
      const world = new World();
      refuse(world, 'P1');
      node = await InMemoryNode.start({ world });
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      await node.quiet();
      await node.projections.flush();
      expect([...world.quarantine.keys()]).to.deep.equal([STOCK]);
      expect(world.quarantine.get(STOCK)!.reason).to.include("its view can't be written");
      expect(viewOf(world, 'P2')).to.include({ onHand: 5 });
      expect((await node.setStock('P1', 7)).kind, 'only its view is at fault').to.equal('done');
      await node.quiet();
      node.kill();

      node = await InMemoryNode.start({ world }); // what it did last is not flushed
      expect(node.keeper.takingCount).to.equal(0);
      expect((await node.stock('P1')).onHand).to.equal(7);
      await waitUntil('it is tried again, in vain', () => node.projections.apart.length === 1);
      expect([...world.quarantine.keys()]).to.deep.equal([STOCK]);
      expect(node.projections.lagRows).to.equal(0);

      world.readModels.refuses = () => false;
      node.region.retryQuarantined(STOCK);
      await isReadAgain();
      expect(viewOf(world, 'P1')).to.include({ onHand: 7, version: 2 });
    });

    it('and an outage at the same time sets no other entity apart', async () => {
      const world = new World();
      refuse(world, 'P1');
      node = await InMemoryNode.start({ world });
      for (const productId of ['P0', 'P1', 'P2', 'P3']) await node.setStock(productId, 5);
      await node.quiet();
      world.readModels.next('works', 'works', 'fails');
      await node.projections.flush();
      await node.projections.flush();
      expect([...world.quarantine.keys()]).to.deep.equal([STOCK]);
      for (const productId of ['P0', 'P2', 'P3']) expect(viewOf(world, productId)).to.include({ onHand: 5 });
    });
  });

  describe('because they crash', () => {
    /** Stock that throws what a command says. */
    const withBug = (): EntityType[] => {
      const { decider } = stockActor;
      const buggy: typeof decider = {
        ...decider,
        decide: (state, command, at, answers) => {
          if (command.type === 'Boom') throw (command as { error?: Error }).error ?? new TypeError('a bug');
          return decider.decide(state, command, at, answers);
        },
      };
      return [{ ...stockActor, decider: buggy }];
    };
    const boom = (error?: Error) => ({ type: 'Boom', error });

    it('again and again: the fourth time within a minute sets the one entity apart', async () => {
      node = await InMemoryNode.start({ types: withBug() });
      await node.setStock('P1', 5);
      await node.setStock('P2', 5);
      for (let crash = 0; crash < 3; crash++) {
        expect(wordFor(await node.ask(STOCK, boom()))).to.equal('outcome_unknown');
        expect((await node.stock('P1')).onHand).to.equal(5);
      }
      expect(wordFor(await node.ask(STOCK, boom()))).to.equal('quarantined');
      expect(wordFor(await node.ask(STOCK))).to.equal('quarantined');
      expect([...node.world.quarantine.keys()]).to.deep.equal([STOCK]);
      expect((await node.stock('P2')).onHand).to.equal(5);
      expect(node.guardian.counts).to.deep.equal({ resume: 0, restart: 3, stop: 1, escalate: 0 });
      node.region.retryQuarantined(STOCK);
      await isReadAgain();
      expect((await node.stock('P1')).onHand).to.equal(5);
    });

    it('for want of memory: the worker gives up', async () => {
      node = await InMemoryNode.start({ types: withBug() });
      await node.setStock('P1', 5);
      expect(node.escalations).to.deep.equal([]);
      const error = Object.assign(new Error('no more'), { code: 'ERR_OUT_OF_MEMORY' });
      expect(wordFor(await node.ask(STOCK, boom(error)))).to.equal('outcome_unknown');
      expect(node.escalations).to.deep.equal([`${STOCK}: no more`]);
      expect(node.world.quarantine.size).to.equal(0);
    });

    it('not: a command of another version is refused, and the entity goes on with what it has in memory', async () => {
      node = await InMemoryNode.start();
      await node.setStock('P1', 5);
      const reads = node.store.reads.length;
      const open = node.store.hold();
      const pending = node.setStock('P1', 6);
      expect(wordFor(await node.ask(STOCK, { type: 'OfTomorrow' }))).to.equal('not_applied');
      const read = node.stock('P1');
      open();
      expect((await pending).kind).to.equal('done');
      expect((await read).onHand).to.equal(6);
      expect(node.store.reads.length, 'it was not read again').to.equal(reads);
      expect(node.guardian.counts).to.deep.equal({ resume: 1, restart: 0, stop: 0, escalate: 0 });
    });
  });
});
