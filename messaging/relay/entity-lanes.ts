/**
 * Publishes rows in order per entity: an entity's next message leaves only after the one before is confirmed, and one
 * that the broker refuses holds back its own entity alone: for a while, or, where there is no message to be made of it,
 * until it is tried again (`hold`). Entities don't wait for each other; so many are under way at
 * a time.
 */
import type { CommittedRow } from '../../runtime/entity/log-follower.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { PublicMessage } from '../contracts/public-message.ts';
import { UnpublishableError } from '../rabbitmq/publication.ts';
import { UnroutableError, type Confirm } from '../rabbitmq/publishing-channel.ts';
import type { RowMessages } from './row-messages.ts';

/** The broker answers some tens of milliseconds later; more under way would only lie in its buffers. */
const IN_FLIGHT_MAX = 2_000;

export interface LanesDeps {
  readonly clock: Clock;
  /** `confirm` hears once that the broker has it, or that it may not. */
  readonly publish: (message: PublicMessage, confirm: Confirm) => void;
  /** The same for a message that came back because no queue takes it: to where such messages are kept. */
  readonly publishUnrouted: (message: PublicMessage, confirm: Confirm) => void;
  /** False: it is no use to try. */
  readonly mayPublish: () => boolean;
  /** There is something to send, at the next pump. */
  readonly onReady: () => void;
  /** It will be sent again. */
  readonly onRefused: (lane: object, message: PublicMessage, error: unknown) => void;
  /** A lane that was refused is not any more: its message is confirmed, or is not sent again. */
  readonly onUnrefused: (lane: object) => void;
  /** Nothing of the entity can be published from this row on. Resolves when that is stored. */
  readonly hold: (row: CommittedRow, reason: string) => Promise<void>;
  /** It is stored: these rows, and those to come of the entity, are not published for now. */
  readonly onHeld: (rows: readonly RowMessages[]) => void;
}

export class EntityLanes {
  readonly #deps: LanesDeps;
  readonly #lanes = new Map<string, Lane>();
  /** Have an unsent message; those before `#first` are sent. */
  readonly #ready: Lane[] = [];
  #first = 0;
  #inFlight = 0;
  published = 0;
  /** Of them: no queue took them, and they are kept as unrouted. */
  unrouted = 0;

  constructor(deps: LanesDeps) {
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  add(row: RowMessages): void {
    const { entityId } = row.row;
    const lane = this.#lanes.get(entityId);
    if (lane) {
      lane.rows.push(row);
    } else {
      const fresh = new Lane(this, row);
      this.#lanes.set(entityId, fresh);
      this.#makeReady(fresh);
    }
  }

  /** Sends what may be sent. */
  pump(): void {
    const ready = this.#ready;
    while (this.#first < ready.length && this.#inFlight < IN_FLIGHT_MAX && this.#deps.mayPublish()) {
      const lane = ready[this.#first++]!;
      if (lane.dropped) continue;
      const message = this.#messageOf(lane);
      if (!message) continue;
      this.#inFlight++;
      this.#deps.publish(message, lane);
    }
    if (this.#first === ready.length) {
      ready.length = this.#first = 0;
    } else if (this.#first > IN_FLIGHT_MAX && this.#first > ready.length / 2) {
      ready.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #messageOf(lane: Lane): PublicMessage | undefined {
    try {
      return lane.rows[0]!.message;
    } catch (error) {
      void this.#hold(lane, messageOf(error));
      return undefined;
    }
  }

  /** Its entity waits meanwhile. Never throws: what can't be stored now is tried again, with its message. */
  async #hold(lane: Lane, reason: string): Promise<void> {
    const { row } = lane.rows[0]!;
    try {
      await this.#deps.hold(row, reason);
    } catch {
      return this.#again(lane);
    }
    if (lane.dropped) return;
    this.#lanes.delete(row.entityId);
    lane.dropped = true;
    if (lane.attempt > 0) this.#deps.onUnrefused(lane);
    this.#deps.onHeld(lane.rows);
  }

  #again(lane: Lane): void {
    this.#deps.clock.after(backoffMs(lane.attempt++), () => this.#makeReady(lane));
  }

  /** Forgets a shard's messages: its next owner publishes them. What is under way ends unheard. */
  drop(shard: number): void {
    for (const [entityId, lane] of this.#lanes) {
      if (lane.rows[0]!.row.shard !== shard) continue;
      lane.dropped = true;
      this.#lanes.delete(entityId);
      if (lane.attempt > 0) this.#deps.onUnrefused(lane);
    }
  }

  /** Of a lane: its message is confirmed. */
  confirmed(lane: Lane): void {
    this.published++;
    if (lane.isUnrouted) this.unrouted++;
    lane.isUnrouted = false;
    this.#landed();
    if (lane.dropped) return;
    if (lane.attempt > 0) this.#deps.onUnrefused(lane);
    lane.attempt = 0;
    const row = lane.rows[0]!;
    if (row.advance()) lane.rows.shift();
    if (lane.rows.length > 0) this.#makeReady(lane);
    else this.#lanes.delete(row.row.entityId);
  }

  /** Of a lane: sent again it is the same message, under the same id, for the broker may have it already. */
  refused(lane: Lane, error: unknown): void {
    if (error instanceof UnroutableError && !lane.isUnrouted && !lane.dropped) return this.#sendUnrouted(lane);
    lane.isUnrouted = false;
    this.#landed();
    if (lane.dropped) return;
    if (error instanceof UnpublishableError) return void this.#hold(lane, error.message);
    this.#deps.onRefused(lane, lane.rows[0]!.message, error);
    this.#again(lane);
  }

  /** It stays under way: the entity's next message waits for this one, wherever it ends. */
  #sendUnrouted(lane: Lane): void {
    lane.isUnrouted = true;
    this.#deps.publishUnrouted(lane.rows[0]!.message, lane);
  }

  #makeReady(lane: Lane): void {
    this.#ready.push(lane);
    this.#deps.onReady();
  }

  #landed(): void {
    this.#inFlight--;
    if (this.#ready.length > 0) this.#deps.onReady(); // there was no room for all
  }
}

/** The messages of one entity that wait; of its first row a message is under way, or ready to be sent. */
class Lane implements Confirm {
  readonly rows: RowMessages[];
  attempt = 0;
  /** Its message came back once, and is under way to where such messages are kept. */
  isUnrouted = false;
  dropped = false;
  readonly #lanes: EntityLanes;

  constructor(lanes: EntityLanes, row: RowMessages) {
    this.#lanes = lanes;
    this.rows = [row];
  }

  resolve(): void {
    this.#lanes.confirmed(this);
  }

  reject(error: unknown): void {
    this.#lanes.refused(this, error);
  }
}
