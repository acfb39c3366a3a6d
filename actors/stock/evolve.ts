/** The stock item as it follows from its events: O(1) an event, and the state is changed in place (see stock.ts). */
import type { EpochMs } from '../../kernel/clock.ts';
import { impossible } from '../../kernel/decider.ts';
import type { OpenHold } from './hold-table.ts';
import { CLOCK_SKEW_MAX_MS, DEFAULT_WAREHOUSE, type StockEvent, type StockState } from './stock.ts';

export function evolveStock(state: StockState, event: StockEvent, at: EpochMs): StockState {
  forgetClosed(state, at);
  switch (event.type) {
    case 'StockSet': {
      let warehouse = state.warehouses.get(event.warehouseId);
      if (!warehouse) state.warehouses.set(event.warehouseId, (warehouse = { onHand: 0, held: 0 }));
      state.onHand += event.onHand - warehouse.onHand;
      warehouse.onHand = event.onHand;
      state.exists = true;
      if (event.lowStockThreshold !== undefined) state.lowStockThreshold = event.lowStockThreshold ?? undefined;
      rearm(state);
      if (!(warehouse.held <= warehouse.onHand)) impossible('stock', 'less than what is held', event);
      return state;
    }
    case 'StockHeld': {
      if (!state.exists || state.holds.has(event.holdId)) impossible('stock', 'this hold', event);
      if (state.closed.has(event.holdId)) impossible('stock', 'the end of this hold', event);
      const { quantity, notAfter, from } = event;
      state.holds.add(event.holdId, { quantity, notAfter, ...(from && { from }) });
      move(state, event, event, 1);
      return state;
    }
    case 'StockReleased': {
      const hold = state.holds.get(event.holdId);
      if (!hold) return impossible('stock', 'no such hold', event);
      state.holds.delete(event.holdId);
      move(state, hold, event, -1);
      state.closed.set(event.holdId, hold.notAfter);
      rearm(state);
      return state;
    }
    case 'StockHoldBarred':
      if (state.holds.has(event.holdId) || state.closed.has(event.holdId)) impossible('stock', 'this hold', event);
      state.closed.set(event.holdId, event.notAfter);
      return state;
    case 'LowStockReached':
      if (state.lowStockThreshold === undefined || state.lowStockReached) impossible('stock', 'this threshold', event);
      state.lowStockReached = true;
      return state;
    default:
      return impossible('stock', 'any state', event);
  }
}

/** Adds (sign 1) or takes away (-1) a hold's units; keeps every warehouse within its bounds. */
function move(state: StockState, hold: Pick<OpenHold, 'quantity' | 'from'>, event: StockEvent, sign: 1 | -1): void {
  const parts = hold.from ?? [[DEFAULT_WAREHOUSE, hold.quantity] as const];
  let moved = 0;
  for (const [warehouseId, quantity] of parts) {
    const warehouse = state.warehouses.get(warehouseId);
    if (!warehouse) return impossible('stock', `no warehouse ${warehouseId}`, event);
    warehouse.held += sign * quantity;
    moved += quantity;
    if (!(warehouse.held >= 0 && warehouse.held <= warehouse.onHand)) impossible('stock', 'too little stock', event);
  }
  if (moved !== hold.quantity) impossible('stock', 'warehouses that add up to another quantity', event);
  state.held += sign * hold.quantity;
  if (!(state.held >= 0 && state.held <= state.onHand)) impossible('stock', 'too little stock', event);
}

function rearm(state: StockState): void {
  if (state.lowStockThreshold === undefined || state.onHand - state.held > state.lowStockThreshold) {
    state.lowStockReached = false;
  }
}

/** Amortised O(1): ids leave in about the order they came, so the oldest stand first. */
function forgetClosed(state: StockState, at: EpochMs): void {
  for (const [holdId, notAfter] of state.closed) {
    if (notAfter + CLOCK_SKEW_MAX_MS >= at) return;
    state.closed.delete(holdId);
  }
}
