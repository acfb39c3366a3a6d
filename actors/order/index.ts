/** Order as an actor: see decide.ts for what it decides. */
import { orderDecider } from './evolve.ts';
import type { OrderCommand, PlacedOrder } from './order.ts';
import { EVENT_FORMS } from '../../persistence/event-codec.ts';
import { defineActor } from '../define-actor.ts';
import { orderOperations } from './operations/index.ts';
import { orderMessages } from './operations/messages.ts';
import { PLACE_COMMAND_ID } from './operations/place.ts';
import { orderEntity } from '../../kernel/entity-id.ts';
import { entityType } from '../../runtime/entity/entity-type.ts';

/** One order's callers: its owner, staff, its own steps. */
const MAILBOX_CAPACITY_MAX = 1_000;
/** Once it is settled hardly anybody asks for it again, and all that stays is copied by each garbage collection. */
const IDLE_MS = 50;

export const orderActor = defineActor({
  kind: 'order',
  prefix: 'ord_',
  type: entityType(orderDecider, {
    forms: EVENT_FORMS.order,
    beginsWith: 'PlaceOrder' satisfies OrderCommand['type'],
    mailboxCapacityMax: MAILBOX_CAPACITY_MAX,
    idleMs: IDLE_MS,
    view: (shown, { firstSeq, settled }) => ({ kind: 'order', state: shown as PlacedOrder, firstSeq, settled }),
  }),
  operations: orderOperations,
  messages: orderMessages,
  claims: {
    entityOf: orderEntity,
    command: { type: 'ClaimId' } satisfies OrderCommand,
    commandId: PLACE_COMMAND_ID,
  },
});
