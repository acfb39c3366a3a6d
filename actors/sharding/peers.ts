/** The ports to the other workers: who owns a shard, and how to ask it. */
import type { Ask } from '../ask.ts';
import type { Reply } from '../entity/entity-host.ts';

/** A worker's place in its node: stays when its process is replaced. */
export type WorkerSlot = number;

export interface ShardDirectory {
  ownerOf(shard: number): WorkerSlot;
}

export interface PeerTransport {
  /**
   * Asks the worker that should own the entity. `internal` asks, the steps of orders under way, are never refused for
   * load. Answered within `ask.timeoutMs`, also when the peer is gone.
   */
  ask(owner: WorkerSlot, ask: Ask, internal: boolean, reply: Reply): void;
}
