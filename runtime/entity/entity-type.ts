/**
 * A kind of entity as the runtime takes it: its pure decider, its stored events, its limits, and what it shows in a
 * view. Definitions of actors (actors/<kind>/index.ts) are made of this; runtime/kinds.ts resolves them.
 */
import type { Decider, DomainEvent, Refusal } from '../../kernel/decider.ts';
import type { EventForms } from '../../persistence/event-codec.ts';
import type { ViewDefinition } from '../../persistence/view-definition.ts';
import type { OutsidePort } from './outside-port.ts';

/** A decider whose types the shell does not look into. */
export type AnyDecider = Decider<unknown, { readonly type: string }, DomainEvent, Refusal>;

export interface EntityLimits<State = unknown> {
  /** Messages that may wait for one entity. */
  readonly mailboxMax: number;
  /** How long an entity stays in memory after its last message, where memory is not short; by its state, where it matters. */
  readonly idleMs: number | ((state: State) => number);
  /** Fingerprinted command ids remembered per entity, the newest; undefined: all of them, without end. */
  readonly knownCommandsMax?: number;
}

export interface EntityType {
  /** Stands in logs, figures and messages. */
  readonly kind: string;
  /** Begins the ids of its entities: three letters and "_". Never changes, since ids are stored. */
  readonly prefix: string;
  /** The kind whose routing key its ids carry: both live in one shard. Absent: it has a routing key of its own. */
  readonly routedBy?: string;
  readonly decider: AnyDecider;
  /** Its events as the journal stores them. */
  readonly events: EventForms;
  /**
   * The command that begins an entity, where almost every such command is the first for its id: the entity is then
   * taken for new without a look into the journal, which tells at the append if it is not.
   */
  readonly beginsWith?: string;
  readonly limits: EntityLimits;
  /** The ports to the outside that its effects call, by name. */
  readonly outside?: Readonly<Record<string, OutsidePort>>;
  /** Made of what a read of the entity answers; absent for kinds without a read model. */
  readonly view?: ViewDefinition;
}
