/** Checkpoints of the relay in memory, for tests of what lies above; held to the same suite in test/contract. */
import type { HeldEntity, Incarnation, RelayStore } from '../ports.ts';

const FIRST: Incarnation = { number: 1, tag: '', firstEpoch: 1, reason: 'the first start', beganAtMs: 0 };

export class InMemoryRelayStore implements RelayStore {
  readonly #checkpoints = new Map<number, number>();
  readonly #held = new Map<string, HeldEntity>();
  readonly incarnationList: Incarnation[] = [FIRST];

  incarnations(): Promise<readonly Incarnation[]> {
    return Promise.resolve(this.incarnationList);
  }

  checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    return Promise.resolve(new Map(shards.map((shard) => [shard, this.#checkpoints.get(shard) ?? 0])));
  }

  saveCheckpoints(checkpoints: ReadonlyMap<number, number>): Promise<void> {
    for (const [shard, seq] of checkpoints)
      this.#checkpoints.set(shard, Math.max(seq, this.#checkpoints.get(shard) ?? 0));
    return Promise.resolve();
  }

  held(shards: readonly number[]): Promise<readonly Omit<HeldEntity, 'reason'>[]> {
    const held = [...this.#held.values()].filter(({ shard }) => shards.includes(shard));
    return Promise.resolve(held.map(({ entityId, shard, seq }) => ({ entityId, shard, seq })));
  }

  hold(entity: HeldEntity): Promise<void> {
    const seq = this.#held.get(entity.entityId)?.seq ?? entity.seq;
    this.#held.set(entity.entityId, { ...entity, seq });
    return Promise.resolve();
  }

  release(entityId: string): Promise<void> {
    this.#held.delete(entityId);
    return Promise.resolve();
  }
}
