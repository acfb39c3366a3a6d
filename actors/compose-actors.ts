/** What the engine takes of all kinds of actors together, resolved once at start. */
import type { Setting } from '../config/setting.ts';
import type { ClaimKeeper } from '../http/edge-deps.ts';
import type { MessageCommand } from '../http/message-command.ts';
import type { OperationDefinition } from '../http/operation-definition.ts';
import { PublicEventCatalogue } from '../messaging/contracts/public-event-catalogue.ts';
import type { ViewDefinition } from '../persistence/view-definition.ts';
import type { FirstCommand } from '../runtime/first-command.ts';
import { Kinds } from '../runtime/kinds.ts';
import type { ActorDefinition } from './define-actor.ts';

export interface ComposedActors {
  readonly kinds: Kinds;
  /** Of the kinds, and of their ports. */
  readonly settings: readonly Setting[];
  readonly views: readonly ViewDefinition[];
  readonly operations: readonly OperationDefinition[];
  readonly messages: readonly MessageCommand[];
  readonly events: PublicEventCatalogue;
  readonly claims: ClaimKeeper;
  readonly firstCommands: readonly FirstCommand[];
}

/** @throws Error where two kinds clash, or not exactly one keeps claims. */
export function composeActors(actors: readonly ActorDefinition[]): ComposedActors {
  const keepers = actors.filter(({ claims }) => claims !== undefined);
  const [keeper] = keepers;
  if (keeper?.claims === undefined || keepers.length > 1) {
    throw new Error(`one kind of actor keeps claims, not ${keepers.map(({ kind }) => kind).join(' and ') || 'none'}`);
  }
  const kinds = new Kinds(actors);
  const portSettings = [...kinds.ports.values()].map(({ setting }) => setting);
  return {
    kinds,
    settings: [...actors.flatMap(({ settings = [] }) => settings), ...portSettings],
    views: actors.flatMap(({ view }) => view ?? []),
    operations: actors.flatMap(({ operations = [] }) => operations),
    messages: actors.flatMap(({ messages = [] }) => messages),
    events: new PublicEventCatalogue(actors),
    claims: keeper.claims,
    firstCommands: actors.flatMap(({ firstCommands = [] }) => firstCommands),
  };
}
