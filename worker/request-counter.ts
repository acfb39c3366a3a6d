/** Counts the requests of a caller in one worker of all: see http/owner-rate-limiter.ts. */
import { RATE_LIMIT_PREFIX } from '../http/owner-rate-limiter.ts';
import { inProcessRateLimiter, type RateLimiter } from '../http/rate-limiter.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Answer, Ask } from '../runtime/ask.ts';
import type { PeerTransport, ShardDirectory, WorkerId } from '../runtime/sharding/peers.ts';
import { shardOf } from '../runtime/sharding/shard-of.ts';

export const RATE_WINDOW_SECONDS = 60;

export interface RequestCounterDeps {
  readonly workerId: WorkerId;
  readonly shards: number;
  readonly limitPerMinute: number;
  readonly directory: ShardDirectory;
  readonly transport: PeerTransport;
  readonly clock: Clock;
}

export class RequestCounter {
  readonly #deps: RequestCounterDeps;
  readonly #limiter: RateLimiter;

  constructor(deps: RequestCounterDeps) {
    this.#deps = deps;
    const { clock, limitPerMinute: limit } = deps;
    this.#limiter = inProcessRateLimiter({ clock, limit, windowSeconds: RATE_WINDOW_SECONDS });
  }

  /** Counts here. @returns false: the ask is for an entity. */
  answer(ask: Ask, reply: (answer: Answer) => void): boolean {
    if (!ask.to.startsWith(RATE_LIMIT_PREFIX)) return false;
    void this.#count(ask).then(reply);
    return true;
  }

  /** While the counter has no owner it counts here: for a moment a caller may have more than its limit. */
  countAtOwner(ask: Ask): Promise<Answer> {
    const { directory, transport, workerId, shards } = this.#deps;
    const owner = directory.ownerOf(shardOf(ask.to, shards));
    if (owner === undefined || owner === workerId) return this.#count(ask);
    return new Promise((resolve) => {
      transport.ask(owner, ask, false, (answer) => {
        if (answer.kind === 'elsewhere') void this.#count(ask).then(resolve);
        else resolve(answer);
      });
    });
  }

  async #count(ask: Ask): Promise<Answer> {
    const value = await this.#limiter.take(ask.to.slice(RATE_LIMIT_PREFIX.length));
    return { kind: 'done', value, replayed: false, version: 0, origin: { shard: 0, seq: 0 } };
  }
}
