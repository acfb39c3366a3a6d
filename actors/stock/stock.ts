/**
 * StockItem: the stock of one product, over all its warehouses. One entity a product, so that a hold may take from
 * several warehouses in one decision, and a read sees all of them at one moment.
 *
 * Keeps invariant 4: onHand = available + held, none below zero, for every warehouse and for the product; held is the
 * sum of the open holds. And 8: holds and releases are idempotent by state, a released hold stays refused.
 *
 *   (absent) --StockSet--> stocked            hold:  open --StockReleased--> closed (remembered until notAfter + skew)
 *   stocked  --StockSet, StockHeld, StockReleased, StockHoldBarred, LowStockReached--> stocked
 *
 * The state is hot: thousands of holds a second on one product. `evolve` costs O(1) and *changes its argument*: the
 * state has one owner, who never keeps an older one. On any failure the owner drops it and recovers from the journal.
 */
import { CorruptionError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { accepted, alreadyDone, impossible, rejected, type Decider, type Decision } from '../../kernel/decider.ts';
import { HoldTable, type Allocation, type OpenHold, type StoredHolds } from './hold-table.ts';

export const STOCK_PREFIX = 'stk_';
export const stockEntity = (productId: string): string => STOCK_PREFIX + productId;

export const DEFAULT_WAREHOUSE = 'main';
/** Clocks of two workers may differ by this much; a closed hold is remembered that much longer. */
export const CLOCK_SKEW_MAX_MS = 60_000;
/** A read, a snapshot and a hold over several warehouses grow with them. */
export const WAREHOUSES_MAX = 100;
export const ON_HAND_MAX = 1_000_000_000_000;
/** In characters, see printable-id.ts. */
export const PRODUCT_ID_LENGTH_MAX = 64;
const SNAPSHOT_SCHEMA = 2;

export type StockCommand =
  | {
      readonly type: 'SetStock';
      readonly warehouseId: string;
      readonly onHand: number;
      /** Absent: as it was. Null: none any more. */
      readonly lowStockThreshold?: number | null;
    }
  | { readonly type: 'HoldStock'; readonly holdId: string; readonly quantity: number; readonly notAfter: EpochMs }
  | { readonly type: 'ReleaseHold'; readonly holdId: string; readonly notAfter: EpochMs };

export type StockEvent =
  | {
      readonly type: 'StockSet';
      readonly warehouseId: string;
      readonly onHand: number;
      /** Absent: as it was. Null: none any more. */
      readonly lowStockThreshold?: number | null;
    }
  /** Without `from` all units come from the default warehouse. */
  | {
      readonly type: 'StockHeld';
      readonly holdId: string;
      readonly quantity: number;
      readonly notAfter: EpochMs;
      readonly from?: readonly Allocation[];
    }
  | { readonly type: 'StockReleased'; readonly holdId: string }
  /** A release that came before its hold: the hold is refused when it comes. */
  | { readonly type: 'StockHoldBarred'; readonly holdId: string; readonly notAfter: EpochMs }
  | { readonly type: 'LowStockReached'; readonly available: number; readonly threshold: number };

export type StockRefusal =
  | { readonly code: 'unknown_product' }
  | { readonly code: 'insufficient_inventory'; readonly requested: number; readonly available: number }
  | { readonly code: 'hold_too_late'; readonly notAfter: EpochMs }
  | { readonly code: 'hold_barred' }
  | { readonly code: 'too_many_warehouses'; readonly countMax: number }
  | { readonly code: 'stock_below_held'; readonly warehouseId: string; readonly held: number };

/** Why a hold was refused: what only setting stock can meet is left out. */
export type HoldRefusal = Exclude<StockRefusal, { readonly code: 'too_many_warehouses' | 'stock_below_held' }>;

export interface Warehouse {
  onHand: number;
  held: number;
}

/** Owned by one holder and changed in place. */
export interface StockState {
  readonly productId: string;
  exists: boolean;
  onHand: number;
  held: number;
  lowStockThreshold: number | undefined;
  /** True from the event until available rises above the threshold again. */
  lowStockReached: boolean;
  readonly warehouses: Map<string, Warehouse>;
  readonly holds: HoldTable;
  /** Released and barred hold ids, with the moment from which their hold is refused anyway. */
  readonly closed: Map<string, EpochMs>;
}

/** What a read, and every answer, shows. */
export interface StockLevel {
  readonly productId: string;
  readonly exists: boolean;
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
  readonly lowStockThreshold?: number;
  readonly warehouses: readonly {
    readonly warehouseId: string;
    readonly onHand: number;
    readonly held: number;
    readonly available: number;
  }[];
}

function decide(state: StockState, command: StockCommand, at: EpochMs): Decision<StockEvent, StockRefusal> {
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

function evolve(state: StockState, event: StockEvent, at: EpochMs): StockState {
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

/** The numbers of a state, captured: later changes don't show in it. */
export function stockLevel(state: StockState): StockLevel {
  const warehouses = [...state.warehouses].map(([warehouseId, { onHand, held }]) => ({
    warehouseId,
    onHand,
    held,
    available: onHand - held,
  }));
  const { productId, exists, onHand, held, lowStockThreshold } = state;
  return {
    productId,
    exists,
    onHand,
    held,
    available: onHand - held,
    ...(lowStockThreshold !== undefined && { lowStockThreshold }),
    warehouses,
  };
}

interface StoredStock extends Omit<StockState, 'warehouses' | 'holds' | 'closed' | 'lowStockThreshold'> {
  readonly lowStockThreshold?: number;
  readonly warehouses: readonly (readonly [string, Warehouse])[];
  readonly holds: StoredHolds;
  readonly closed: readonly (readonly [string, EpochMs])[];
}

/** Invariant 4, over all of the state: O(holds), so only where a state comes from outside. */
function addsUp({ onHand, held, warehouses, holds }: StockState): boolean {
  let [onHandSum, heldSum] = [0, 0];
  for (const warehouse of warehouses.values()) {
    if (!(warehouse.held >= 0 && warehouse.held <= warehouse.onHand)) return false;
    onHandSum += warehouse.onHand;
    heldSum += warehouse.held;
  }
  return onHandSum === onHand && heldSum === held && holds.units === held;
}

export const stockDecider: Decider<StockState, StockCommand, StockEvent, StockRefusal> = {
  kind: 'stock',
  initial: (entityId) => ({
    productId: entityId.slice(4),
    exists: false,
    onHand: 0,
    held: 0,
    lowStockThreshold: undefined,
    lowStockReached: false,
    warehouses: new Map(),
    holds: new HoldTable(),
    closed: new Map(),
  }),
  decide,
  evolve,
  outstanding: () => [],
  conclude: (effect) => impossible('stock', 'any state', { type: `an answer to ${effect.key}` }),
  deadline: () => undefined,
  onDeadline: () => undefined,
  isAtRest: () => true,
  /** A hold's asker needs no numbers; everybody else gets the level. */
  answer: (state, command) =>
    command?.type === 'HoldStock' || command?.type === 'ReleaseHold' ? null : stockLevel(state),
  exists: (state) => state.exists,
  snapshot: {
    schema: SNAPSHOT_SCHEMA,
    encode: (state): StoredStock => {
      const { lowStockThreshold, ...rest } = state;
      return {
        ...rest,
        ...(lowStockThreshold !== undefined && { lowStockThreshold }),
        // Copied: the state's own objects go on changing.
        warehouses: [...state.warehouses].map(([id, { onHand, held }]) => [id, { onHand, held }] as const),
        holds: state.holds.encode(),
        closed: [...state.closed],
      };
    },
    /** @throws CorruptionError for a state that breaks invariant 4. */
    decode: (stored) => {
      const { warehouses, holds, closed, ...rest } = stored as StoredStock;
      const state: StockState = {
        ...rest,
        lowStockThreshold: rest.lowStockThreshold,
        warehouses: new Map(warehouses.map(([id, { onHand, held }]) => [id, { onHand, held }])),
        holds: HoldTable.decode(holds),
        closed: new Map(closed),
      };
      if (!addsUp(state)) throw new CorruptionError(`the snapshot of ${state.productId} does not add up`);
      return state;
    },
  },
};
