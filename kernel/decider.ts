/**
 * The form of every decision. A decider is pure: time comes in as `at`, everything else with the command.
 *
 *   decide(state, command, at) -> accepted(events) | already done | rejected(refusal) | gather(asks first)
 *   evolve(state, event, at)   -> the next state; throws on an impossible pair, it never forgives
 *   outstanding(state)         -> what the outside still owes this entity; empty means settled
 *
 * Checks run in a fixed order, pinned by table tests: known command (the shell), shape (the edge), existence, status,
 * limits. `gather` is a decision that needs answers of others before it can be made: the shell sends `asks`, and
 * decides the command again with `answers`. Nothing of it is stored: after a crash the sender's command comes again.
 */
import { CorruptionError } from './errors.ts';
import type { EpochMs } from './clock.ts';

/** What an entity records: `type` is stored and never changes; all of it is plain JSON. */
export interface DomainEvent {
  readonly type: string;
}

/** A business rule refused: a fact with data, not an exception. */
export interface Refusal {
  readonly code: string;
}

/** What an entity wants of others: a command for another entity, or a call to the outside. */
export type Effect = Send | CallOut;

/** A command for another entity. */
export interface Send<Command = unknown> {
  readonly kind: 'send';
  /** Names the step within its entity: 'reserve', 'capture'. Part of stored command ids, so it never changes. */
  readonly key: string;
  /** An entity id. */
  readonly to: string;
  /** The same at every re-send, so that the receiver recognises it. */
  readonly commandId: string;
  readonly command: Command;
  /** The answer wanted: once the decision is durable, or once the receiver has nothing outstanding. */
  readonly until: Until;
}

export type Until = 'durable' | 'settled';

/** A call of a port to the outside, see runtime/outside-ports.ts. */
export interface CallOut<Call extends OutsideCall = OutsideCall> {
  readonly kind: 'call';
  /** Names the step within its entity. */
  readonly key: string;
  /** The name of the port. */
  readonly port: string;
  readonly call: Call;
}

/** What the engine knows of a call to the outside. */
export interface OutsideCall {
  /** The same at every repetition, so that the call takes effect once. */
  readonly idempotencyKey: string;
  /** No repetition starts later: the entity then concludes with `LAPSED`, and decides anew. */
  readonly notAfter: EpochMs;
}

/** The outcome of a call that could not be started before its `notAfter`. */
export const LAPSED = { kind: 'lapsed' } as const;

/** How an ask of a `gather` ended, in the order of the asks. */
export type GatherAnswer =
  { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'rejected'; readonly refusal: Refusal };

export type Decision<Event, R extends Refusal> =
  | { readonly kind: 'accepted'; readonly events: readonly [Event, ...Event[]] }
  | { readonly kind: 'already_done' }
  | { readonly kind: 'rejected'; readonly refusal: R }
  | { readonly kind: 'gather'; readonly asks: readonly Send[] };

/** One kind of entity: all of its pure functions. */
export interface Decider<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
> {
  /** Stands in logs, figures and messages. */
  readonly kind: string;
  initial(entityId: string): State;
  /** @param answers of all former `gather`s of this command, in the order of their asks. */
  decide(state: State, command: Command, at: EpochMs, answers?: readonly GatherAnswer[]): Decision<Event, R>;
  /** `at` is the time of the row that holds the event. @throws CorruptionError on an impossible pair. */
  evolve(state: State, event: Event, at: EpochMs): State;
  outstanding(state: State): readonly Effect[];
  /** The own command that an effect's answer makes. */
  conclude(effect: Effect, answer: GatherAnswer): Command;
  /** When a person's time to decide ends (ms since the epoch); undefined while no deadline runs. */
  deadline(state: State): EpochMs | undefined;
  /** The command that is due once the deadline has passed. */
  onDeadline(state: State): Command | undefined;
  /** Nothing is outstanding, or only a person can move it on: `Prefer: wait` ends here. */
  isAtRest(state: State): boolean;
  /** The answer to a command (or read) that saw `state`: plain JSON, not changed afterwards. */
  answer(state: State, command: Command | undefined): unknown;
  exists(state: State): boolean;
  /** For long-lived kinds: the state as plain JSON and back. Absent: the journal is short enough. */
  readonly snapshot?: {
    /** Rises with the form of the state; another one in a stored snapshot is ignored. */
    readonly schema: number;
    encode(state: State): unknown;
    decode(stored: unknown, entityId: string): State;
  };
}

export function accepted<Event>(...events: [Event, ...Event[]]): { kind: 'accepted'; events: [Event, ...Event[]] } {
  return { kind: 'accepted', events };
}

export const alreadyDone = { kind: 'already_done' } as const;

export function rejected<R extends Refusal>(refusal: R): { kind: 'rejected'; refusal: R } {
  return { kind: 'rejected', refusal };
}

export function gather(asks: readonly Send[]): { kind: 'gather'; asks: readonly Send[] } {
  return { kind: 'gather', asks };
}

/** An event that can't follow this state: stored rows and code contradict each other. */
export function impossible(kind: string, status: string, event: DomainEvent): never {
  throw new CorruptionError(`${kind}: ${event.type} can't follow ${status}`);
}
