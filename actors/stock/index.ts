/** StockItem as an actor: see stock.ts for what it decides. The hot one: every order for a product meets here. */
import type { FirstCommand } from '../../runtime/first-command.ts';
import { DEFAULT_WAREHOUSE, DEMO_PRODUCT_ID, STOCK_PREFIX, stockEntity, type StockCommand } from './stock.ts';
import { stockDecider } from './decider.ts';
import { stockPublicEvents } from './public-events.ts';
import { stockEvents } from './stored-events.ts';
import { stockAudit } from './audit.ts';
import { stockView } from './view.ts';
import { defineActor } from '../define-actor.ts';
import { stockOperations } from './operations/index.ts';

/** Holds and releases that may wait for one product. */
const MAILBOX_MAX = 20_000;
/** An admin's Idempotency-Keys on one product, the newest of them. */
const KNOWN_COMMANDS_MAX = 1_000;
/** Most products are sold again soon, and reading one with its holds costs far more than an order. */
const IDLE_MS = 15 * 60_000;

const DEMO_ON_HAND = 1_000_000;

const setDemoStock: StockCommand = { type: 'SetStock', warehouseId: DEFAULT_WAREHOUSE, onHand: DEMO_ON_HAND };
const stockDemo: FirstCommand = {
  to: stockEntity(DEMO_PRODUCT_ID),
  command: setDemoStock,
  commandId: 'demo',
  fingerprint: String(DEMO_ON_HAND),
};

export const stockActor = defineActor({
  prefix: STOCK_PREFIX,
  decider: stockDecider,
  events: stockEvents,
  publicEvents: stockPublicEvents,
  limits: { mailboxMax: MAILBOX_MAX, idleMs: IDLE_MS, knownCommandsMax: KNOWN_COMMANDS_MAX },
  view: stockView,
  operations: stockOperations,
  firstCommands: [stockDemo],
  audit: stockAudit,
});
