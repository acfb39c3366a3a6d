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
import { dispatch, Nobody, spawn, start, stop, type Ref } from 'nact';

export interface ActorOptions<Message> {
  readonly name: string;
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
  readonly #ref: Ref<Message>;
  readonly #capacityMax: number;
  readonly #counters: Counters;
  #waiting = 0;
  #waitingSinceMs = 0;
  #retiring = false;
  #stopped = false;

  constructor(parent: Ref<never>, options: ActorOptions<Message>, counters: Counters) {
    this.#capacityMax = options.mailboxCapacityMax;
    this.#counters = counters;
    this.#ref = spawn(
      parent as Ref<unknown>,
      (_state: undefined, message: Message) => {
        this.#waiting--;
        if (this.#waiting > 0) this.#waitingSinceMs = performance.now();
        options.handle(message);
        if (this.#retiring && this.#waiting === 0) this.#stop();
        return undefined;
      },
      options.name,
      {
        onCrash: (message, error, context) => {
          counters.crashes++;
          options.onCrash(error, message as Message);
          if (this.#retiring && this.#waiting === 0) this.#stop();
          return context.resume;
        },
      },
    );
    counters.actors++;
  }

  /** Messages of one sender are handled in the order of these calls. */
  tell(message: Message): Told {
    if (this.#stopped) {
      this.#counters.deadLetters++;
      return 'stopped';
    }
    if (this.#waiting >= this.#capacityMax) {
      this.#counters.refusals++;
      return 'mailbox_full';
    }
    if (this.#waiting++ === 0) this.#waitingSinceMs = performance.now();
    dispatchFrom(this.#ref, message, NOBODY);
    return 'accepted';
  }

  /** For control messages: never refused for a full mailbox. They are few, and each has an end. */
  tellAlways(message: Message): Told {
    if (this.#stopped) {
      this.#counters.deadLetters++;
      return 'stopped';
    }
    if (this.#waiting++ === 0) this.#waitingSinceMs = performance.now();
    dispatchFrom(this.#ref, message, NOBODY);
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

  /** Handles what waits in the mailbox, then stops. Idempotent. */
  retire(): void {
    this.#retiring = true;
    if (this.#waiting === 0) this.#stop();
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#counters.actors--;
    stop(this.#ref);
  }
}

/** Senders are not used here: an answer has its own way. nact would make a new nobody for each message. */
const NOBODY = new Nobody();
/** The library's types leave out its third parameter. */
const dispatchFrom = dispatch as (actor: Ref<unknown>, message: unknown, sender: Ref<unknown>) => void;

interface Counters {
  actors: number;
  deadLetters: number;
  refusals: number;
  crashes: number;
}

/** A place in the hierarchy: actors are spawned below it; it handles no messages itself. */
export interface Place {
  spawn<Message>(options: ActorOptions<Message>): Actor<Message>;
  /** Stops every actor below it. */
  stop(): void;
}

export class ActorSystem {
  readonly #system = start();
  readonly #counters: Counters = { actors: 0, deadLetters: 0, refusals: 0, crashes: 0 };

  get figures(): Readonly<Counters> {
    return this.#counters;
  }

  /** A parent for one kind of actors in one shard. */
  place(name: string): Place {
    const parent = spawn(this.#system, (state: undefined) => state, name) as Ref<never>;
    const counters = this.#counters;
    return {
      spawn: (options) => new Actor(parent, options, counters),
      stop: () => stop(parent as Ref<unknown>),
    };
  }

  stop(): void {
    stop(this.#system);
  }
}
