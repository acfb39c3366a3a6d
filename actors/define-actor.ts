/**
 * A kind of actor as data: everything about it that the engine takes. Each engine folder declares the type of its own
 * part and knows no kind; the composition roots hand the list of actors/index.ts to all of them.
 */
import type { ClaimKeeper } from '../http/edge-deps.ts';
import type { MessageCommand } from '../http/message-command.ts';
import type { OperationDefinition } from '../http/operation-definition.ts';
import type { EntityType } from '../runtime/entity/entity-type.ts';

export interface ActorDefinition {
  /** Stands in logs, figures and messages. */
  readonly kind: string;
  /** Begins the ids of its entities: three letters and "_". Never changes. */
  readonly prefix: string;
  /** How it decides, what it stores, its limits. */
  readonly type: EntityType;
  /** What it offers by HTTP, in the order in which the documents show it. */
  readonly operations?: readonly OperationDefinition[];
  /** The commands that it takes by message. */
  readonly messages?: readonly MessageCommand[];
  /** Given by one kind alone: its entities remember claimed ids. */
  readonly claims?: ClaimKeeper;
}

export function defineActor(definition: ActorDefinition): ActorDefinition {
  return definition;
}
