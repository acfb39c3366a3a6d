/** StockItem as an actor: see stock.ts for what it decides. The hot one: every order for a product meets here. */
import { stockDecider, type StockLevel } from './stock.ts';
import { EVENT_FORMS } from '../../persistence/event-codec.ts';
import { defineActor } from '../define-actor.ts';
import { stockOperations } from './operations/index.ts';
import { entityType } from '../../runtime/entity/entity-type.ts';

/** Holds and releases that may wait for one product. */
const MAILBOX_CAPACITY_MAX = 20_000;
/** An admin's Idempotency-Keys on one product, the newest of them. */
const KNOWN_COMMANDS_MAX = 1_000;
/** Most products are sold again soon, and reading one with its holds costs far more than an order. */
const IDLE_MS = 15 * 60_000;

export const stockActor = defineActor({
  kind: 'stock',
  prefix: 'stk_',
  type: entityType(stockDecider, {
    forms: EVENT_FORMS.stock,
    mailboxCapacityMax: MAILBOX_CAPACITY_MAX,
    idleMs: IDLE_MS,
    knownCommandsMax: KNOWN_COMMANDS_MAX,
    view: (shown, { at }) => ({ kind: 'stock', level: shown as StockLevel, at }),
  }),
  operations: stockOperations,
});
