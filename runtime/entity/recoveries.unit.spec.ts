import { expect } from 'chai';
import { systemClock } from '../../kernel/clock.ts';
import { orderActor } from '../../actors/order/index.ts';
import { stockActor } from '../../actors/stock/index.ts';
import { pendingRow, placed, ROW_AT, take } from '../../test/support/journal-rows.ts';
import { ScriptedJournalStore } from '../../test/support/scripted-journal-store.ts';
import { Recoveries } from './recoveries.ts';

describe('recoveries', () => {
  const withRows = async (...entityIds: string[]): Promise<ScriptedJournalStore> => {
    const store = new ScriptedJournalStore();
    await store.append(
      placed(
        await take(store, 1),
        entityIds.map((entityId) => pendingRow(1, entityId, 1)),
      ),
    );
    return store;
  };

  it('read many entities in one query, each hears of its own', async () => {
    const store = await withRows('ord_1', 'ord_2');
    const recoveries = new Recoveries(store, systemClock);
    const found = await Promise.all(
      ['ord_1', 'ord_2', 'ord_3'].map((entityId) => recoveries.read(entityId, orderActor, true)),
    );
    expect(found.map((stored) => stored?.rows.map(({ entityId }) => entityId))).to.deep.equal([
      ['ord_1'],
      ['ord_2'],
      undefined,
    ]);
    expect(store.reads).to.have.length(1);
  });

  it('are bounded in entities a read', async () => {
    const store = await withRows('ord_1');
    const recoveries = new Recoveries(store, systemClock);
    await Promise.all(Array.from({ length: 450 }, (_, n) => recoveries.read(`ord_${n}`, orderActor, true)));
    for (const read of store.reads) expect(read.length).to.be.at.most(200);
    expect(store.reads.flat()).to.have.length(450);
    store.reads.length = 0;
    await Promise.all(Array.from({ length: 45 }, (_, n) => recoveries.read(`stk_${n}`, stockActor, true)));
    for (const read of store.reads) expect(read.length, 'with snapshots').to.be.at.most(20);
    expect(store.reads.flat()).to.have.length(45);
  });

  it('fail for all of a read that fails, and work again afterwards', async () => {
    const store = await withRows('ord_1');
    const recoveries = new Recoveries(store, systemClock);
    store.failReads(new Error('scripted: away'));
    const outcomes = await Promise.allSettled(
      ['ord_1', 'ord_2'].map((entityId) => recoveries.read(entityId, orderActor, true)),
    );
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    store.failReads(undefined);
    expect((await recoveries.read('ord_1', orderActor, true))?.rows).to.have.length(1);
  });

  it('use snapshots of kinds that keep them, unless they are outdated or not wanted', async () => {
    const store = await withRows('stk_1', 'stk_2');
    const snapshot = { shard: 1, version: 1, state: '{}', at: ROW_AT };
    await store.saveSnapshots([
      { ...snapshot, entityId: 'stk_1', schema: stockActor.decider.snapshot!.schema },
      { ...snapshot, entityId: 'stk_2', schema: 99 },
    ]);
    const recoveries = new Recoveries(store, systemClock);
    const [used, outdated, unwanted] = await Promise.all([
      recoveries.read('stk_1', stockActor, true),
      recoveries.read('stk_2', stockActor, true),
      recoveries.read('stk_1', stockActor, false),
    ]);
    expect([used, outdated, unwanted].map((stored) => [stored?.snapshot?.version, stored?.rows.length])).to.deep.equal([
      [1, 0],
      [undefined, 1],
      [undefined, 1],
    ]);
  });
});
