/** The pure half of a stock item, of its parts. */
import type { Decider } from '../../kernel/decider.ts';
import { defineDecider } from '../../kernel/define-decider.ts';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { decideStock } from './decide.ts';
import { evolveStock } from './evolve.ts';
import { HoldTable } from './hold-table.ts';
import { stockSnapshot } from './snapshot.ts';
import { stockLevel, type StockCommand, type StockEvent, type StockRefusal, type StockState } from './stock.ts';

export const stockDecider: Decider<StockState, StockCommand, StockEvent, StockRefusal> = defineDecider({
  kind: 'stock',
  initial: (entityId): StockState => ({
    productId: routingKeyOf(entityId),
    exists: false,
    onHand: 0,
    held: 0,
    lowStockThreshold: undefined,
    lowStockReached: false,
    warehouses: new Map(),
    holds: new HoldTable(),
    closed: new Map(),
  }),
  decide: decideStock,
  evolve: evolveStock,
  /** A hold's asker needs no numbers; everybody else gets the level. */
  answer: (state, command) =>
    command?.type === 'HoldStock' || command?.type === 'ReleaseHold' ? null : stockLevel(state),
  exists: (state) => state.exists,
  snapshot: stockSnapshot,
});
