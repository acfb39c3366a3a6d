/** Taking shards: the read models catch up with the journal, whatever their former owner left. */
import { expect } from 'chai';
import { stockEntity } from '../../actors/stock/stock.ts';
import { InMemoryNode, World } from '../../test/support/in-memory-node.ts';
import { KINDS } from '../../actors/index.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { pendingRow, placed, ROW_AT } from '../../test/support/journal-rows.ts';
import { ScriptedJournalStore } from '../../test/support/scripted-journal-store.ts';
import { ScriptedProjectionStore } from '../../test/support/scripted-projection-store.ts';
import { keptLog, silentLog } from '../../test/support/silent-log.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { catchUp } from './catch-up.ts';

/** Orders of every ending, in every stage, with nothing of them flushed. */
async function unflushed(): Promise<World> {
  const world = new World();
  const node = await InMemoryNode.start({ world });
  await node.setStock('P1', 12);
  await node.setStock('P2', 100);
  const tokens = ['tok_visa', 'tok_decline', 'tok_capture_fail'];
  for (let n = 0; n < 9; n++) {
    await node.place(orderIdOf(n), {
      paymentMethod: { type: 'card', token: tokens[n % 3]! },
      confirmation: n === 6 ? 'manual' : 'automatic',
    });
  }
  world.provider.hold('capture');
  await node.place(orderIdOf(20), {}, { until: 'durable' });
  await waitUntil('its capture is asked for', () =>
    world.provider.calls.some(({ idempotencyKey }) => idempotencyKey === `pay_${orderIdOf(20)}/capture`),
  );
  await node.journal.drain();
  node.kill();
  return world;
}

const setApart = (): Promise<void> => Promise.resolve();

/** The read models as a rebuild from the first row makes them. */
async function rebuilt(world: World): Promise<ScriptedProjectionStore> {
  const readModels = new ScriptedProjectionStore();
  const heads = new Map([...world.log.shards].map(([shard, rows]) => [shard, rows.length]));
  await catchUp(
    {
      journal: new ScriptedJournalStore(world.log),
      projections: readModels,
      kinds: KINDS,
      log: silentLog,
      setApart,
    },
    heads,
  );
  return readModels;
}

const contentOf = ({ orders, stocks, waiting }: ScriptedProjectionStore) => ({
  orders: [...orders].sort(),
  stocks: [...stocks].sort(),
  waiting: [...waiting].sort(),
});

describe('catching up', () => {
  it('projects the rows after the checkpoint when a shard is taken: read models equal their rebuild', async () => {
    const world = await unflushed();
    expect(world.readModels.orders.size).to.equal(0);
    const next = await InMemoryNode.start({ world });
    next.kill(); // before anything new happens
    expect(contentOf(world.readModels)).to.deep.equal(contentOf(await rebuilt(world)));
    expect(world.readModels.orders.size).to.equal(10);
    expect([...world.readModels.waiting.keys()]).to.include(`ord_${orderIdOf(20)}`);
    const checkpoints = await world.readModels.checkpoints([...world.log.shards.keys()]);
    for (const [shard, rows] of world.log.shards) expect(checkpoints.get(shard)).to.equal(rows.length);
  });

  it('gives the same as flushing as one goes, in portions of any size', async () => {
    const world = await unflushed();
    const readModels = new ScriptedProjectionStore();
    const deps = {
      journal: new ScriptedJournalStore(world.log),
      projections: readModels,
      kinds: KINDS,
      log: silentLog,
      setApart,
    };
    const lengths = new Map([...world.log.shards].map(([shard, rows]) => [shard, rows.length]));
    for (const share of [0.2, 0.5, 0.9, 1]) {
      await catchUp(
        deps,
        new Map([...lengths].map(([shard, length]) => [shard, Math.max(1, Math.floor(length * share))])),
      );
    }
    expect(contentOf(readModels)).to.deep.equal(contentOf(await rebuilt(world)));
  });

  it('pages through a long log, each page on the checkpoint of the one before', async () => {
    const store = new ScriptedJournalStore();
    const readModels = new ScriptedProjectionStore();
    const heads = await store.takeShards([1], ROW_AT);
    const events = (version: number) => JSON.stringify([{ type: 'StockSet', warehouseId: 'main', onHand: version }]);
    const rows = Array.from({ length: 12_001 }, (_, index) =>
      pendingRow(1, 'stk_a', index + 1, { events: events(index + 1) }),
    );
    await store.append(placed(heads.get(1)!, rows));
    const caughtUp = await catchUp(
      { journal: store, projections: readModels, kinds: KINDS, log: silentLog, setApart },
      new Map([[1, 12_002]]),
    );
    expect([...caughtUp]).to.deep.equal([1]);
    const moves = readModels.sent.flatMap((flush) => flush.moves);
    expect(moves[0]).to.deep.equal({ shard: 1, from: 0, to: 5_000 });
    for (const [index, move] of moves.entries()) expect(move.from).to.equal(moves[index - 1]?.to ?? 0);
    expect(moves.at(-1)!.to).to.equal(12_002);
    expect([...readModels.stocks.values()][0]).to.include({ onHand: 12_001, version: 12_001 });
  });

  it('leaves out a shard whose checkpoint a newer owner has moved', async () => {
    const store = new ScriptedJournalStore();
    const readModels = new ScriptedProjectionStore();
    await store.takeShards([1, 2], ROW_AT);
    const flush = readModels.flush.bind(readModels);
    readModels.flush = async (each) => {
      await flush({ moves: [{ shard: 1, from: 0, to: 9 }], changes: [], wakeUps: [], settled: [] });
      return flush(each);
    };
    const caughtUp = await catchUp(
      { journal: store, projections: readModels, kinds: KINDS, log: silentLog, setApart },
      new Map([
        [1, 1],
        [2, 1],
      ]),
    );
    expect([...caughtUp]).to.deep.equal([2]);
  });

  it('leaves an entity behind that can not be read, and no other', async () => {
    const world = await unflushed();
    const rows = world.log.entities.get(`ord_${orderIdOf(1)}`)!;
    const damaged = { ...rows[1]!, events: '[{"type":"Eaten"}]' };
    rows[1] = damaged;
    const { log, lines } = keptLog();
    const next = await InMemoryNode.start({ world, log });
    next.kill();
    expect(world.readModels.order(orderIdOf(1))).to.equal(undefined);
    expect(world.readModels.orders.size).to.equal(9);
    expect(lines.some((line) => line['entityId'] === `ord_${orderIdOf(1)}`)).to.equal(true);
  });

  it('is not stopped by a row of a kind that this build does not know', async () => {
    const world = new World();
    const store = new ScriptedJournalStore(world.log);
    const heads = await store.takeShards([0], ROW_AT);
    await store.append(placed(heads.get(0)!, [pendingRow(0, 'xyz_1', 1, { wakeAt: 1 })]));
    const node = await InMemoryNode.start({ world });
    expect((await node.setStock('P1', 1)).kind).to.equal('done');
    node.pass(10_000);
    expect(world.readModels.waiting.size).to.equal(0);
    node.kill();
  });

  for (const [name, state] of [
    ['a good snapshot', undefined],
    ['a corrupt snapshot', '{}'],
  ] as const) {
    it(`shows stock from ${name} as of the time of its last row`, async () => {
      const world = new World();
      const node = await InMemoryNode.start({ world });
      for (let version = 1; version <= 500; version++) void node.setStock('P1', version);
      await node.quiet();
      node.world.clock.advance(5_000);
      node.kill();
      const snapshot = world.log.snapshots.get(stockEntity('P1'))!;
      if (state !== undefined) world.log.snapshots.set(stockEntity('P1'), { ...snapshot, state });
      else expect(snapshot.version, 'no row follows it').to.equal(500);
      const next = await InMemoryNode.start({ world });
      next.kill();
      const [row] = [...world.readModels.stocks.values()];
      const last = world.rowsOf(stockEntity('P1')).at(-1)!;
      expect(row).to.include({ onHand: 500, version: 500, updatedAt: last.at });
    });
  }
});

describe('the shard keeper', () => {
  it('tries until its shards are served, though storage fails at first', async function () {
    this.timeout(10_000);
    const world = new World();
    world.readModels.next('fails', 'unknown');
    const node = await InMemoryNode.start({ world });
    expect(node.region.figures.shardsOwned).to.equal(8);
    expect(node.keeper.takingCount).to.equal(0);
    expect((await node.setStock('P1', 1)).kind).to.equal('done');
    node.kill();
  });

  it('takes a shard that is lost while others are being taken', async () => {
    const { log } = keptLog();
    const node = await InMemoryNode.start({ log });
    for (let ticks = 0; ticks < 12; ticks++) {
      // At every possible moment of the first one's end, which is where it says so.
      const info = log.info.bind(log);
      log.info = (...line: Parameters<typeof info>) => {
        log.info = info;
        let end = Promise.resolve();
        for (let tick = 0; tick < ticks; tick++) end = end.then(() => undefined);
        void end.then(() => node.keeper.failed(2));
        info(...line);
      };
      node.keeper.failed(1);
      const isServed = (): boolean =>
        log.info === info && node.keeper.takingCount === 0 && node.region.figures.shardsOwned === 8;
      await turns(3);
      await waitUntil(`all are served (${ticks})`, isServed, () => [
        node.keeper.takingCount,
        node.region.figures.shardsOwned,
      ]);
    }
    node.kill();
  });

  it('each time begins a new epoch', async () => {
    const node = await InMemoryNode.start();
    const epochOf = () => node.world.log.shard(3).at(-1)!.epoch;
    expect(epochOf()).to.equal(1);
    node.keeper.failed(3);
    await waitUntil('it is served again', () => node.keeper.takingCount === 0);
    expect(epochOf()).to.equal(2);
    node.kill();
  });

  it('stopped, takes nothing more', async () => {
    const node = await InMemoryNode.start();
    await node.keeper.stop();
    const rows = node.world.log.shard(3).length;
    node.keeper.failed(3);
    await node.journal.drain();
    expect(node.world.log.shard(3)).to.have.length(rows);
    node.kill();
  });
});
