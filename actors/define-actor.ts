/**
 * A kind of actor as data: everything about it that the engine takes. Each engine folder declares the type of its own
 * part and knows no kind; the composition roots hand the list of actors/index.ts to all of them.
 */
import type { AuditDefinition } from '../audit/audit-definition.ts';
import type { ClaimKeeper } from '../http/edge-deps.ts';
import type { MessageCommand } from '../http/message-command.ts';
import type { OperationDefinition } from '../http/operation-definition.ts';
import type { Setting } from '../config/setting.ts';
import type { Decider, DomainEvent, Refusal } from '../kernel/decider.ts';
import type { PublicEvents, PublicEventsDefinition } from '../messaging/contracts/public-event-definition.ts';
import type { EventForms } from '../persistence/event-codec.ts';
import type { FirstCommand } from '../runtime/first-command.ts';
import type { EntityLimits, EntityType } from '../runtime/entity/entity-type.ts';

export interface ActorDefinition extends EntityType {
  /** Environment variables that it reads, besides those of its ports. */
  readonly settings?: readonly Setting[];
  /** Of each journal event: whether and how it is published. */
  readonly publicEvents: PublicEventsDefinition;
  /** What an audit proves of it beyond the general rules. */
  readonly audit?: AuditDefinition;
  /** What it offers by HTTP, in the order in which the documents show it. */
  readonly operations?: readonly OperationDefinition[];
  /** The commands that it takes by message. */
  readonly messages?: readonly MessageCommand[];
  /** Given by one kind alone: its entities remember claimed ids. */
  readonly claims?: ClaimKeeper;
  /** What a node with a database of its own sends at its start. */
  readonly firstCommands?: readonly FirstCommand[];
}

/** As a kind writes it: typed by its own state, commands and events. Its name stands in its decider. */
interface TypedDefinition<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
> extends Omit<ActorDefinition, 'kind' | 'decider' | 'events' | 'publicEvents' | 'beginsWith' | 'limits' | 'audit'> {
  readonly decider: Decider<State, Command, Event, R>;
  readonly events: EventForms<Event>;
  readonly publicEvents: PublicEvents<Event>;
  readonly beginsWith?: Command['type'];
  readonly limits: EntityLimits<State>;
  readonly audit?: AuditDefinition<State, Event>;
}

/** Erases the types of a kind: the engine passes back to it only what came from it. */
export function defineActor<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
>(definition: TypedDefinition<State, Command, Event, R>): ActorDefinition {
  const { decider, limits, audit, ...rest } = definition;
  return { ...rest, kind: decider.kind, decider, limits: limits as EntityLimits, ...(audit && { audit }) };
}
