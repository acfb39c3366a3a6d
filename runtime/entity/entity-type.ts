/** A kind of entity as the shell runs it: its pure decider, its stored forms, its limits, and what it shows in a view. */
import type { Decider, DomainEvent, EntityKind, Refusal } from '../../kernel/decider.ts';
import type { EventForms } from '../../persistence/event-codec.ts';
import type { EntityView } from '../../persistence/projections.ts';
import type { EpochMs } from '../../kernel/clock.ts';

/** A decider whose types the shell does not look into. */
export type AnyDecider = Decider<unknown, { readonly type: string }, DomainEvent, Refusal>;

/** Where a view's row stands in the log. */
export interface ViewPlace {
  readonly firstSeq: number;
  readonly at: EpochMs;
  readonly settled: boolean;
}

export interface EntityType {
  readonly kind: EntityKind;
  readonly decider: AnyDecider;
  readonly forms: EventForms;
  /**
   * The command that begins an entity, where next to every such command is the first: the entity is then taken for new
   * without a look into the journal, which tells at the append if it is not.
   */
  readonly beginsWith?: string;
  /** Messages that may wait for one entity. */
  readonly mailboxCapacityMax: number;
  /** How long an entity stays in memory after its last message, where memory is not short; by its state, where it matters. */
  readonly idleMs: number | ((state: unknown) => number);
  /** Fingerprinted command ids remembered per entity, the newest; undefined: all, for ever. */
  readonly knownCommandsMax?: number;
  /** From what a read of the entity answers; absent for kinds without a read model. */
  readonly view?: (shown: unknown, place: ViewPlace) => EntityView;
}

/** Erases a decider's types: the shell passes back to a decider only what came from it. */
export function entityType<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
>(decider: Decider<State, Command, Event, R>, options: Omit<EntityType, 'kind' | 'decider'>): EntityType {
  return { ...options, kind: decider.kind, decider: decider };
}
