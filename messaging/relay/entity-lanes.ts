/**
 * Publishes messages in order per entity: an entity's next one leaves only after the one before is confirmed, and one
 * that the broker refuses holds back its own entity alone. Entities don't wait for each other; so many are under way at
 * a time.
 */
import { backoffMs } from '../../kernel/backoff.ts';
import type { PublicMessage } from '../contracts/public-message.ts';
import type { Confirm } from '../rabbitmq/publishing-channel.ts';

/** The broker answers a few milliseconds later; more under way would only lie in its buffers, and ours. */
const IN_FLIGHT_MAX = 1_000;

interface Item {
  readonly message: PublicMessage;
  /** It is confirmed. */
  readonly done: () => void;
}

interface Lane {
  readonly entityId: string;
  readonly shard: number;
  readonly items: Item[];
  attempt: number;
  dropped: boolean;
}

export interface LanesDeps {
  /** `confirm` hears once that the broker has it, or that it may not. */
  readonly publish: (message: PublicMessage, confirm: Confirm) => void;
  /** False: it is no use to try. */
  readonly mayPublish: () => boolean;
  readonly onRefused: (message: PublicMessage, error: unknown) => void;
}

export class EntityLanes {
  readonly #deps: LanesDeps;
  readonly #lanes = new Map<string, Lane>();
  /** Have a message that nobody has sent yet; those before `#first` are sent. */
  readonly #ready: Lane[] = [];
  #first = 0;
  #inFlight = 0;
  #pumping = false;
  published = 0;

  constructor(deps: LanesDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @param shard the entity's: see drop. */
  add(entityId: string, shard: number, message: PublicMessage, done: () => void): void {
    const item = { message, done };
    const lane = this.#lanes.get(entityId);
    if (lane) {
      lane.items.push(item);
      return;
    }
    const fresh: Lane = { entityId, shard, items: [item], attempt: 0, dropped: false };
    this.#lanes.set(entityId, fresh);
    this.#ready.push(fresh);
    this.pump();
  }

  /** Sends what may be sent. To be called when the broker is back. */
  pump(): void {
    if (this.#pumping) return; // a message that is refused at once comes here from within
    this.#pumping = true;
    const ready = this.#ready;
    while (this.#first < ready.length && this.#inFlight < IN_FLIGHT_MAX && this.#deps.mayPublish()) {
      const lane = ready[this.#first++]!;
      if (!lane.dropped) this.#send(lane);
    }
    if (this.#first === ready.length) {
      ready.length = this.#first = 0;
    } else if (this.#first > IN_FLIGHT_MAX && this.#first > ready.length / 2) {
      ready.splice(0, this.#first);
      this.#first = 0;
    }
    this.#pumping = false;
  }

  /** Forgets a shard's messages: its next owner publishes them. What is under way ends unheard. */
  drop(shard: number): void {
    for (const [entityId, lane] of this.#lanes) {
      if (lane.shard !== shard) continue;
      lane.dropped = true;
      this.#lanes.delete(entityId);
    }
  }

  #send(lane: Lane): void {
    const { message } = lane.items[0]!;
    this.#inFlight++;
    this.#deps.publish(message, {
      resolve: () => {
        this.#inFlight--;
        this.published++;
        if (!lane.dropped) this.#next(lane);
        this.pump();
      },
      reject: (error) => {
        this.#inFlight--;
        if (!lane.dropped) this.#again(lane, message, error);
        this.pump();
      },
    });
  }

  #next(lane: Lane): void {
    lane.items.shift()!.done();
    lane.attempt = 0;
    if (lane.items.length > 0) this.#ready.push(lane);
    else this.#lanes.delete(lane.entityId);
  }

  /** The same message, under the same id: the broker may have it already. */
  #again(lane: Lane, message: PublicMessage, error: unknown): void {
    this.#deps.onRefused(message, error);
    setTimeout(() => {
      if (lane.dropped) return;
      this.#ready.push(lane);
      this.pump();
    }, backoffMs(lane.attempt++));
  }
}
