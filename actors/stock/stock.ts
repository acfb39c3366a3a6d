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
import type { EpochMs } from '../../kernel/clock.ts';
import type { Allocation, HoldTable } from './hold-table.ts';

export const STOCK_PREFIX = 'stk_';
export const stockEntity = (productId: string): string => STOCK_PREFIX + productId;

export const DEFAULT_WAREHOUSE = 'main';
/** A node with a database of its own has it in stock from its first start on: the documents' examples order it. */
export const DEMO_PRODUCT_ID = 'DEMO-MUG';
/** Clocks of two workers may differ by this much; a closed hold is remembered that much longer. */
export const CLOCK_SKEW_MAX_MS = 60_000;
/** A read, a snapshot and a hold over several warehouses grow with them. */
export const WAREHOUSES_MAX = 100;
export const ON_HAND_MAX = 1_000_000_000_000;
/** In characters, see printable-id.ts. */
export const PRODUCT_ID_LENGTH_MAX = 64;

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
