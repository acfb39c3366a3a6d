/**
 * Several workers over one world, in one process: each has a region, a journal and an ownership of its own; what they
 * share is the log, the read models, the leases and time. Asks travel as JSON, a turn of the event loop later.
 */
import { elsewhere, type Ask, type ShardAnswer } from '../../runtime/ask.ts';
import type { ShardReply } from '../../runtime/entity/entity-host.ts';
import type { PeerTransport, WorkerId } from '../../runtime/sharding/peers.ts';
import { InMemoryOwnership, InMemoryOwnershipStore } from '../../persistence/in-memory/ownership-store.ts';
import { InMemoryNode, World, type NodeOptions } from './in-memory-node.ts';

const SHARDS = 16;

interface OnItsWay {
  readonly from: WorkerId;
  readonly to: WorkerId;
  readonly ask: Ask;
  readonly reply: ShardReply;
}

export class InMemoryCluster {
  readonly world = new World();
  readonly shards: number;
  readonly ownership: InMemoryOwnership;
  readonly nodes = new Map<WorkerId, InMemoryNode>();
  /** Asks that went from one worker to another. */
  carried = 0;
  readonly #unanswered = new Set<OnItsWay>();

  constructor(shards = SHARDS) {
    this.shards = shards;
    this.ownership = new InMemoryOwnership(shards, this.world.clock);
  }

  start(workerId: WorkerId, options: NodeOptions = {}): Promise<InMemoryNode> {
    return InMemoryNode.start({ ...options, cluster: this, workerId });
  }

  /** Each shard is served by exactly one of the living. */
  get served(): boolean {
    let served = 0;
    for (const node of this.#living()) {
      if (node.keeper.takingCount > 0 || node.ownership!.complete === false) return false;
      served += node.region.figures.shardsOwned;
    }
    return served === this.shards;
  }

  transportOf(from: WorkerId): PeerTransport {
    return {
      ask: (to, ask, internal, reply) => {
        const peer = this.nodes.get(to);
        if (!peer || peer.dead) return reply(elsewhere('no', `worker ${to} is no member`));
        this.carried++;
        const onItsWay: OnItsWay = { from, to, ask, reply };
        this.#unanswered.add(onItsWay);
        setImmediate(() => {
          if (peer.dead || !this.#unanswered.has(onItsWay)) return;
          peer.region.receive(copy(ask), internal, (answer) => this.#answer(onItsWay, copy(answer)));
        });
      },
    };
  }

  /** Ends the asks to a worker that is no longer a member in the eyes of `from`. */
  cutOff(from: WorkerId, isMember: (worker: WorkerId) => boolean): void {
    for (const each of [...this.#unanswered]) if (each.from === from && !isMember(each.to)) this.#broken(each);
  }

  /** As its death by a signal: connections break, and its primary evicts it. */
  kill(node: InMemoryNode): void {
    node.kill();
    for (const each of [...this.#unanswered]) {
      if (each.to === node.workerId) this.#broken(each);
      else if (each.from === node.workerId) this.#unanswered.delete(each);
    }
    void new InMemoryOwnershipStore(this.ownership).leave(node.workerId);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes.values()) {
      node.kill();
      await node.stop();
    }
  }

  #living(): InMemoryNode[] {
    return [...this.nodes.values()].filter(({ dead }) => !dead);
  }

  #answer(onItsWay: OnItsWay, answer: ShardAnswer): void {
    setImmediate(() => {
      if (this.#unanswered.delete(onItsWay)) onItsWay.reply(answer);
    });
  }

  #broken(onItsWay: OnItsWay): void {
    const applied = onItsWay.ask.command === undefined ? 'no' : 'unknown';
    if (this.#unanswered.delete(onItsWay)) onItsWay.reply(elsewhere(applied, `worker ${onItsWay.to} is gone`));
  }
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
