/** Order as an actor: see decide.ts for what it decides. */
import { orderDecider } from './decider.ts';
import { ORDER_PREFIX, orderEntity, type OrderCommand } from './order.ts';
import { orderPublicEvents } from './public-events.ts';
import { orderEvents } from './stored-events.ts';
import { reservationTtlSeconds } from './settings.ts';
import { orderAudit } from './audit.ts';
import { orderView } from './view.ts';
import { defineActor } from '../define-actor.ts';
import { orderMessages, orderOperations } from './operations/index.ts';
import { PLACE_COMMAND_ID } from './operations/place.ts';

/** One order's callers: its owner, staff, its own steps. */
const MAILBOX_MAX = 1_000;
/** Once it is settled hardly anybody asks for it again, and all that stays is copied by each garbage collection. */
const IDLE_MS = 50;

export const orderActor = defineActor({
  prefix: ORDER_PREFIX,
  decider: orderDecider,
  events: orderEvents,
  publicEvents: orderPublicEvents,
  beginsWith: 'PlaceOrder',
  limits: { mailboxMax: MAILBOX_MAX, idleMs: IDLE_MS },
  view: orderView,
  settings: [reservationTtlSeconds],
  operations: orderOperations,
  messages: orderMessages,
  claims: {
    entityOf: orderEntity,
    command: { type: 'ClaimId' } satisfies OrderCommand,
    commandId: PLACE_COMMAND_ID,
  },
  audit: orderAudit,
});
