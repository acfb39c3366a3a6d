/** The ports to the other workers: who owns a shard, and how to ask it. */
import type { Ask } from '../ask.ts';
import type { Member } from '../../persistence/ports.ts';
import type { ShardReply } from '../entity/entity-host.ts';

/** Names one worker process: new at every start of one, so that a dead one's name is never met again. */
export type WorkerId = string;

export interface ShardDirectory {
  /** Undefined: no owner, as far as this worker knows. */
  ownerOf(shard: number): WorkerId | undefined;
  /** What it says was wrong: look again, soon. */
  refresh(): void;
}

export interface PeerTransport {
  /**
   * Asks the worker that should own the entity. `internal` asks, steps of entities under way, are never refused for
   * load. Answered within `ask.timeoutMs`, also when the peer is gone.
   */
  ask(owner: WorkerId, ask: Ask, internal: boolean, reply: ShardReply): void;
}

/** What is measured of the ways to the others: see messaging/peer-watch.ts. */
export interface PeerReach {
  /** Whom there is to reach. */
  watch(members: ReadonlyMap<WorkerId, Member>): void;
  /** It has answered, and is not out of reach. */
  reaches(worker: WorkerId): boolean;
  /** Members that answer by no way. */
  readonly unreached: readonly WorkerId[];
  /** This worker's own messages come back to it by the broker. */
  readonly hearsBroker: boolean;
}
