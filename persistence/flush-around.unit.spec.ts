/** Flushes around what the store refuses, over random flushes, offenders and lost shards. */
import { expect } from 'chai';
import { orderView } from '../actors/order/view.ts';
import { mulberry32 } from '../kernel/mulberry32.ts';
import { orderChange, orderIdOf, placedOrder, stockChange, stockLevelOf } from '../test/support/order-states.ts';
import { ScriptedProjectionStore } from '../test/support/scripted-projection-store.ts';
import { flushAround } from './flush-around.ts';
import type { ProjectionFlush, Unwritable } from './ports.ts';

const SHARDS = 5;

/** What a flush says of each entity, as one word a part. */
function wordsOf({ changes, wakeUps, settled }: ProjectionFlush): string[] {
  return [
    ...changes.map(({ entityId }) => `view of ${entityId}`),
    ...wakeUps.map(({ entityId }) => `wake-up of ${entityId}`),
    ...settled.map(({ entityId }) => `wake-up of ${entityId}`),
  ];
}

function randomFlush(random: () => number): ProjectionFlush {
  const among = (count: number): number => Math.floor(random() * count);
  const moves = Array.from({ length: SHARDS }, (_, shard) => ({ shard, from: 0, to: 1 + among(3) }));
  const flush = { moves, changes: [], wakeUps: [], settled: [] } as {
    -readonly [Key in keyof ProjectionFlush]: ProjectionFlush[Key][number][];
  };
  for (let n = among(20); n > 0; n--) {
    const [orderId, shard] = [orderIdOf(n), among(SHARDS)];
    if (random() < 0.3) {
      flush.changes.push(stockChange(stockLevelOf(`P${n}`, 1, 0), shard));
      continue;
    }
    flush.changes.push(orderChange(placedOrder(orderId), shard));
    if (random() < 0.5) flush.wakeUps.push({ shard, entityId: `ord_${orderId}`, wakeAt: n });
    else if (random() < 0.5) flush.settled.push({ shard, entityId: `ord_${orderId}` });
  }
  return flush;
}

describe('a flush around what is refused', () => {
  it('writes all but the offenders, names each of them once, and moves every shard that is ours', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = mulberry32(seed);
      const flush = randomFlush(random);
      const store = new ScriptedProjectionStore();
      const lost = new Set(random() < 0.3 ? [Math.floor(random() * SHARDS)] : []);
      for (const shard of lost) {
        await store.flush({ moves: [{ shard, from: 0, to: 9 }], changes: [], wakeUps: [], settled: [] });
      }
      const offenders = new Set(wordsOf(flush).filter(() => random() < 0.15));
      store.refuses = (each) => wordsOf(each).some((word) => offenders.has(word));
      const apart: Unwritable[] = [];
      const moved = await flushAround(store, flush, (unwritable) => {
        apart.push(unwritable);
        return Promise.resolve();
      });
      const label = `seed ${seed}`;
      expect(
        apart.map(({ what, entityId }) => `${what} of ${entityId}`),
        label,
      ).to.have.members([...offenders]);
      const ours = flush.moves.filter(({ shard }) => !lost.has(shard));
      expect([...moved], label).to.have.members(ours.map(({ shard }) => shard));
      for (const { shard, to } of ours) expect((await store.checkpoints([shard])).get(shard), label).to.equal(to);
      for (const { view, entityId, shard } of flush.changes) {
        const isWritten = !lost.has(shard) && !offenders.has(`view of ${entityId}`);
        const key = view === orderView ? entityId.slice('ord_'.length) : `${entityId.slice('stk_'.length)}\0main`;
        expect(store.rows(view).has(key), label).to.equal(isWritten);
      }
      for (const { entityId, shard } of flush.wakeUps) {
        const isWritten = !lost.has(shard) && !offenders.has(`wake-up of ${entityId}`);
        expect(store.waiting.has(entityId), label).to.equal(isWritten);
      }
    }
  });

  it('that meets an outage on its way throws it, and names no entity', async () => {
    const store = new ScriptedProjectionStore();
    const flush = randomFlush(mulberry32(7));
    store.refuses = (each) => wordsOf(each).length > 2;
    let sent = 0;
    const outage = {
      flush: (each: ProjectionFlush) => {
        if (++sent > 3) return Promise.reject(new Error('gone'));
        return store.flush(each);
      },
    };
    const apart: Unwritable[] = [];
    const failed = await flushAround(outage, flush, (each) => Promise.resolve(void apart.push(each))).catch(
      (error: Error) => error.message,
    );
    expect([failed, apart.length]).to.deep.equal(['gone', 0]);
  });

  it('costs one statement where nothing is refused', async () => {
    const store = new ScriptedProjectionStore();
    await flushAround(store, randomFlush(mulberry32(3)), () => Promise.reject(new Error('of nobody')));
    expect(store.sent).to.have.length(1);
  });
});
