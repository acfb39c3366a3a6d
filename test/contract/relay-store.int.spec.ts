/** What every store of the relay promises: checkpoints that never go back, and entities that are held from one row on. */
import { expect } from 'chai';
import type { RelayStore } from '../../persistence/ports.ts';
import { STORAGE_SUBJECTS, type Storage } from '../support/journal-subjects.ts';

for (const subject of STORAGE_SUBJECTS) {
  describe(`relay store: ${subject.name}`, function () {
    this.timeout(60_000);
    let storage: Storage;
    let store: RelayStore;
    let other: RelayStore;

    before(async function () {
      storage = await subject.open(this);
      store = storage.openRelay();
      other = storage.openRelay();
    });
    after(async () => {
      await (storage as Storage | undefined)?.close();
    });

    it('checkpoints begin at 0, and are what was saved, for every reader', async () => {
      expect([...(await store.checkpoints([1, 2]))]).to.have.deep.members([
        [1, 0],
        [2, 0],
      ]);
      await store.saveCheckpoints(
        new Map([
          [2, 5],
          [1, Number.MAX_SAFE_INTEGER],
        ]),
      );
      expect([...(await other.checkpoints([1, 2, 3]))]).to.have.deep.members([
        [1, Number.MAX_SAFE_INTEGER],
        [2, 5],
        [3, 0],
      ]);
    });

    it('a checkpoint never goes back: a former owner is late', async () => {
      await store.saveCheckpoints(new Map([[10, 7]]));
      await Promise.all([other.saveCheckpoints(new Map([[10, 6]])), store.saveCheckpoints(new Map([[10, 9]]))]);
      await other.saveCheckpoints(new Map([[10, 8]]));
      expect((await store.checkpoints([10])).get(10)).to.equal(9);
    });

    it('an entity is held from its first row that could not be read, until it is released', async () => {
      await store.hold({ entityId: 'ord_1', shard: 20, seq: 4, reason: 'first' });
      await store.hold({ entityId: 'ord_1', shard: 20, seq: 9, reason: 'a later one' });
      await other.hold({ entityId: 'pay_1', shard: 21, seq: 2, reason: 'x'.repeat(5_000) });
      expect(await other.held([20])).to.deep.equal([{ entityId: 'ord_1', shard: 20, seq: 4 }]);
      expect(await store.held([20, 21])).to.have.length(2);
      await store.release('ord_1');
      expect(await other.held([20, 22])).to.deep.equal([]);
    });
  });
}
