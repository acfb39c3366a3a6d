/** The kinds of actors that this program runs: the only list of them. */
import { composeActors } from './compose-actors.ts';
import type { ActorDefinition } from './define-actor.ts';
import { orderActor } from './order/index.ts';
import { paymentActor } from './payment/index.ts';
import { reservationActor } from './reservation/index.ts';
import { stockActor } from './stock/index.ts';

export const ACTORS: readonly ActorDefinition[] = [orderActor, paymentActor, reservationActor, stockActor];

export const SHOP = composeActors(ACTORS);

export const {
  kinds: KINDS,
  views: VIEWS,
  events: PUBLIC_EVENTS,
  operations: OPERATIONS,
  messages: MESSAGE_COMMANDS,
} = SHOP;
