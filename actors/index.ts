/** The kinds of actors that this program runs: the only list of them. */
import { Kinds } from '../runtime/kinds.ts';
import type { ActorDefinition } from './define-actor.ts';
import { orderActor } from './order/index.ts';
import { paymentActor } from './payment/index.ts';
import { reservationActor } from './reservation/index.ts';
import { stockActor } from './stock/index.ts';

export const ACTORS: readonly ActorDefinition[] = [orderActor, paymentActor, reservationActor, stockActor];

export const KINDS = new Kinds(ACTORS);

export const FIRST_COMMANDS = ACTORS.flatMap(({ firstCommands = [] }) => firstCommands);
export const OPERATIONS = ACTORS.flatMap(({ operations = [] }) => operations);
export const MESSAGE_COMMANDS = ACTORS.flatMap(({ messages = [] }) => messages);
export const CLAIMS = onlyOne(ACTORS.flatMap(({ claims }) => claims ?? []));

function onlyOne<Part>(parts: readonly Part[]): Part {
  const [first, ...others] = parts;
  if (first === undefined || others.length > 0) throw new Error(`one kind keeps claims, and not ${parts.length}`);
  return first;
}
