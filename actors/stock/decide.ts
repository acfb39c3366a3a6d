/** What a stock item decides: holds, releases, and stock that is set. */
import type { EpochMs } from '../../kernel/clock.ts';
import { accepted, alreadyDone, rejected, type Decision } from '../../kernel/decider.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { Allocation } from './hold-table.ts';
import {
  CLOCK_SKEW_MAX_MS,
  DEFAULT_WAREHOUSE,
  WAREHOUSES_MAX,
  type StockCommand,
  type StockEvent,
  type StockRefusal,
  type StockState,
} from './stock.ts';

export function decideStock(state: StockState, command: StockCommand, at: EpochMs): Decision<StockEvent, StockRefusal> {
  switch (command.type) {
    case 'SetStock': {
      const warehouse = state.warehouses.get(command.warehouseId);
      const held = warehouse?.held ?? 0;
      if (!warehouse && state.warehouses.size >= WAREHOUSES_MAX) {
        return rejected({ code: 'too_many_warehouses', countMax: WAREHOUSES_MAX });
      }
      if (command.onHand < held) return rejected({ code: 'stock_below_held', warehouseId: command.warehouseId, held });
      const sameThreshold =
        command.lowStockThreshold === undefined || (command.lowStockThreshold ?? undefined) === state.lowStockThreshold;
      if (warehouse?.onHand === command.onHand && sameThreshold) return alreadyDone;
      const { warehouseId, onHand, lowStockThreshold } = command;
      return accepted<StockEvent>({
        type: 'StockSet',
        warehouseId,
        onHand,
        ...(lowStockThreshold !== undefined && { lowStockThreshold }),
      });
    }
    case 'HoldStock': {
      const { holdId, quantity, notAfter } = command;
      if (!state.exists) return rejected({ code: 'unknown_product' });
      if (state.holds.has(holdId)) return alreadyDone;
      if (state.closed.has(holdId)) return rejected({ code: 'hold_barred' });
      if (at > notAfter) return rejected({ code: 'hold_too_late', notAfter });
      const available = state.onHand - state.held;
      if (quantity > available) return rejected({ code: 'insufficient_inventory', requested: quantity, available });
      const from = allocate(state, quantity);
      const held: StockEvent = { type: 'StockHeld', holdId, quantity, notAfter, ...(from && { from }) };
      const left = available - quantity;
      if (state.lowStockThreshold === undefined || state.lowStockReached || left > state.lowStockThreshold) {
        return accepted<StockEvent>(held);
      }
      return accepted<StockEvent>(held, {
        type: 'LowStockReached',
        available: left,
        threshold: state.lowStockThreshold,
      });
    }
    case 'ReleaseHold': {
      const { holdId, notAfter } = command;
      if (state.holds.has(holdId)) return accepted<StockEvent>({ type: 'StockReleased', holdId });
      if (state.closed.has(holdId) || at > notAfter + CLOCK_SKEW_MAX_MS) return alreadyDone;
      return accepted<StockEvent>({ type: 'StockHoldBarred', holdId, notAfter });
    }
  }
}

/** Takes from the default warehouse first, then from the others in the order they came. Undefined: all from the default. */
function allocate(state: StockState, quantity: number): Allocation[] | undefined {
  const main = state.warehouses.get(DEFAULT_WAREHOUSE);
  const fromMain = main ? Math.min(main.onHand - main.held, quantity) : 0;
  if (fromMain === quantity) return undefined;
  const allocations: Allocation[] = fromMain > 0 ? [[DEFAULT_WAREHOUSE, fromMain]] : [];
  let missing = quantity - fromMain;
  for (const [warehouseId, { onHand, held }] of state.warehouses) {
    if (missing === 0) break;
    if (warehouseId === DEFAULT_WAREHOUSE || onHand === held) continue;
    const taken = Math.min(onHand - held, missing);
    allocations.push([warehouseId, taken]);
    missing -= taken;
  }
  invariant(missing === 0, 'the warehouses of a product add up to its stock');
  return allocations;
}
