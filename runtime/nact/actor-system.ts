/**
 * The only importer of nact: its mailbox loop and hierarchy, behind a typed facade that adds what it lacks. Mailboxes
 * are bounded; a message to a stopped actor is a dead letter, counted and reported, never a silent no-op; a crash is
 * answered by a directive. Handlers are synchronous, so an actor handles one message at a time and a stopped one is
 * never in the middle of a message.
 *
 * Not used of nact, and why (read from its source): `spawnPersistent` replays commands and counts before the write;
 * `shutdownAfter` and `resetAll` lose queued messages or run two handlers at once; a parent copies its whole map of
 * children at each message it handles, so parents here handle none: the region keeps its own map of references.
 */
import { Nobody, spawn, start, stop, type Ref } from 'nact';
import { withOneContext, type NactActor } from '../../patched/nact-actor.ts';
import type { Clock } from '../../kernel/clock.ts';

/** By place. What is beyond that came in a burst. */
const FREE_SEATS_MAX = 100;

export interface ActorOptions<Message> {
  /** Messages that may wait; beyond it `tell` refuses. */
  readonly mailboxCapacityMax: number;
  /** Must not return a promise. */
  readonly handle: (message: Message) => void;
  /**
   * Decides over a crash of `handle`. The loop itself goes on, so that whatever waits in the mailbox is still answered;
   * an actor whose state is void is retired by its owner. Must not throw.
   */
  readonly onCrash: (error: unknown, message: Message) => void;
}

export type Told = 'accepted' | 'mailbox_full' | 'stopped';

export class Actor<Message> {
  readonly #options: ActorOptions<Message>;
  readonly #figures: SystemFigures;
  readonly #clock: Clock;
  #pooled: PooledActor | undefined;
  #waiting = 0;
  #waitingSinceMs = 0;
  #retiring = false;

  constructor(pooled: PooledActor, options: ActorOptions<Message>, figures: SystemFigures, clock: Clock) {
    this.#pooled = pooled;
    this.#options = options;
    this.#figures = figures;
    this.#clock = clock;
    pooled.take(this);
    figures.actors++;
  }

  /** Messages of one sender are handled in the order of these calls. */
  tell(message: Message): Told {
    if (this.#pooled && this.#waiting >= this.#options.mailboxCapacityMax) {
      this.#figures.refusals++;
      return 'mailbox_full';
    }
    return this.tellAlways(message);
  }

  /** For control messages: never refused for a full mailbox. They are few, and each has an end. */
  tellAlways(message: Message): Told {
    if (!this.#pooled || this.#figures.stopped) {
      this.#figures.deadLetters++;
      return 'stopped';
    }
    if (this.#waiting++ === 0) this.#waitingSinceMs = this.#clock.monotonicMs();
    this.#pooled.dispatch(message);
    return 'accepted';
  }

  /** Monotonic ms: the mailbox has not been empty, and no message was taken from it, since. */
  get waitingSinceMs(): number {
    return this.#waitingSinceMs;
  }

  /** Messages told and not yet handled. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Handles what waits in the mailbox, then leaves. Idempotent. */
  retire(): void {
    this.#retiring = true;
    if (this.#waiting === 0) this.#leave();
  }

  /** Called by its pooled actor. @throws whatever the handler throws; `crashed` follows. */
  handle(message: Message): void {
    this.#waiting--;
    if (this.#waiting > 0) this.#waitingSinceMs = this.#clock.monotonicMs();
    this.#options.handle(message);
    if (this.#retiring && this.#waiting === 0) this.#leave();
  }

  crashed(error: unknown, message: Message): void {
    this.#figures.crashes++;
    this.#options.onCrash(error, message);
    if (this.#retiring && this.#waiting === 0) this.#leave();
  }

  #leave(): void {
    if (!this.#pooled) return;
    this.#figures.actors--;
    this.#pooled.leave();
    this.#pooled = undefined;
  }
}

/**
 * An actor of nact, with its mailbox, for one actor of ours after the other: to spawn and to stop one costs more than
 * all messages that an order's actors handle. An actor leaves with an empty mailbox, so the next one receives none of
 * its messages.
 */
class PooledActor {
  readonly #free: PooledActor[];
  readonly #ref: Ref<unknown>;
  readonly #self: NactActor;
  #occupant: Actor<never> | undefined;
  /** The actor whose message crashed: it may have left meanwhile. */
  #crashed: Actor<never> | undefined;

  /** @param free the pool to which it returns when it is left. */
  constructor(parent: Ref<never>, name: string, free: PooledActor[]) {
    this.#free = free;
    let self!: NactActor;
    this.#ref = spawn(parent as Ref<unknown>, (_state: undefined, message: unknown) => this.#handle(message), name, {
      initialStateFunc(this: unknown, context) {
        self = withOneContext(this, context);
        return undefined as never; // there is no state; the library's types infer that there can't be
      },
      onCrash: (message, error, context) => {
        const crashed = this.#crashed!;
        this.#crashed = undefined; // a free one keeps no actor in memory
        crashed.crashed(error, message as never);
        return context.resume;
      },
    });
    this.#self = self;
  }

  #handle(message: unknown): void {
    this.#self.immediate = undefined;
    const occupant = this.#occupant!;
    try {
      occupant.handle(message as never);
    } catch (error) {
      this.#crashed = occupant;
      throw error;
    }
  }

  take(occupant: Actor<never>): void {
    this.#occupant = occupant;
  }

  dispatch(message: unknown): void {
    this.#self.dispatch(message, NOBODY);
  }

  leave(): void {
    this.#occupant = undefined;
    if (this.#free.length < FREE_SEATS_MAX) this.#free.push(this);
    else stop(this.#ref);
  }
}

/** Senders are not used here: an answer has its own way. nact would make a new `Nobody` for each message. */
const NOBODY = new Nobody();

interface SystemFigures {
  actors: number;
  deadLetters: number;
  refusals: number;
  crashes: number;
  stopped: boolean;
}

/** A place in the hierarchy: actors are spawned below it; it handles no messages itself. */
export interface Place {
  spawn<Message>(options: ActorOptions<Message>): Actor<Message>;
}

export class ActorSystem {
  readonly #clock: Clock;
  readonly #system = start();
  readonly #figures: SystemFigures = { actors: 0, deadLetters: 0, refusals: 0, crashes: 0, stopped: false };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get figures(): Readonly<SystemFigures> {
    return this.#figures;
  }

  /** A parent for one kind of actors in one shard. */
  place(name: string): Place {
    const parent = spawn(this.#system, (state: undefined) => state, name) as Ref<never>;
    const figures = this.#figures;
    const clock = this.#clock;
    const free: PooledActor[] = [];
    let made = 0;
    return {
      spawn: (options) =>
        new Actor(free.pop() ?? new PooledActor(parent, String(++made), free), options, figures, clock),
    };
  }

  /** Messages sent from now on are dead letters. */
  stop(): void {
    this.#figures.stopped = true;
    stop(this.#system);
  }
}
