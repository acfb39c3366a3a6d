/** A stock item as a snapshot stores it, and back. */
import type { EpochMs } from '../../kernel/clock.ts';
import type { Decider } from '../../kernel/decider.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import { HoldTable, type StoredHolds } from './hold-table.ts';
import type { StockCommand, StockEvent, StockRefusal, StockState, Warehouse } from './stock.ts';

const SNAPSHOT_SCHEMA = 2;

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

export const stockSnapshot: NonNullable<Decider<StockState, StockCommand, StockEvent, StockRefusal>['snapshot']> = {
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
};
