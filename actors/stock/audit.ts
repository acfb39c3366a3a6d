/** What an audit proves of stock items (invariants 4 and 8): each by itself, and its open holds against the reservations. */
import {
  broken,
  type AuditDefinition,
  type AuditedView,
  type BrokenRule,
  type Claim,
  type Settles,
} from '../../audit/audit-definition.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { DEFAULT_WAREHOUSE, stockLevel, type StockEvent, type StockState } from './stock.ts';

const view: AuditedView<StockState> = {
  table: 'stock_view',
  columns: {
    productId: 'product_id',
    warehouseId: 'warehouse_id',
    onHand: 'on_hand',
    held: 'held',
    lowStockThreshold: 'low_stock_threshold',
    updatedAt: 'updated_at',
  },
  key: 'productId',
  rowKey: 'warehouseId',
  rows: (state, { at }) => {
    const { warehouses, lowStockThreshold = null } = stockLevel(state);
    return warehouses.map(({ warehouseId, onHand, held }) => ({
      warehouseId,
      onHand,
      held,
      lowStockThreshold,
      updatedAt: at,
    }));
  },
};

const holds: Settles<StockState> = {
  invariant: 4,
  open: openHolds,
  words: {
    wanted: (quantity, reservationId) => `an open hold of ${quantity} units for ${reservationId}`,
    other: (quantity) => `one of ${quantity} units`,
    unwanted: 'holds of Held reservations only',
    wantedSum: ({ count, amount }) => `${amount} units for ${count} reservations, as these say`,
    openSum: ({ count, amount }) => `open holds of ${amount} units for ${count} reservations`,
    holder: ({ count, amount }) => `a stock item that holds ${amount} units for ${count} reservations`,
  },
};

export const stockAudit: AuditDefinition<StockState, StockEvent> = {
  brokenByEvent: brokenByStock,
  brokenAtEnd: ({ held, holds: { units } }) =>
    units === held ? undefined : broken(4, `held = ${units}, the sum of its open holds`, `held = ${held}`),
  // Two equal tables of holds may keep them in another order; Maps are compared by their keys.
  comparable: (state) => ({ ...state, holds: new Map(state.holds) }),
  view,
  settles: holds,
  report: {
    totals: ({ entities }) => ({ stockItems: entities }),
    title: 'stock',
    line: ({ entities, snapshots, snapshotsIgnored }, number) =>
      `${number(entities)} items, ${number(snapshots)} snapshots compared, ${number(snapshotsIgnored)} ignored`,
  },
};

function* openHolds(state: StockState): Generator<Claim> {
  for (const [reservationId, { quantity }] of state.holds) yield [reservationId, quantity];
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function brokenByStock(state: StockState, event: StockEvent, at: EpochMs): BrokenRule | undefined {
  switch (event.type) {
    case 'StockSet': {
      const held = state.warehouses.get(event.warehouseId)?.held ?? 0;
      if (isCount(event.onHand) && event.onHand >= held) return undefined;
      return broken(
        4,
        `onHand of ${event.warehouseId} not below the ${held} held`,
        `StockSet to ${String(event.onHand)}`,
      );
    }
    case 'StockHeld':
      return brokenByHold(state, event, at);
    case 'StockReleased':
      if (state.holds.has(event.holdId)) return undefined;
      return broken(8, 'a release of an open hold', `StockReleased of ${event.holdId}, which is not open`);
    case 'StockHoldBarred':
      if (!state.holds.has(event.holdId)) return undefined;
      return broken(8, 'an open hold to be released', `StockHoldBarred of ${event.holdId}, which is open`);
    default:
      return undefined;
  }
}

function brokenByHold(
  state: StockState,
  event: StockEvent & { type: 'StockHeld' },
  at: EpochMs,
): BrokenRule | undefined {
  const { holdId, quantity, notAfter, from } = event;
  const found = `StockHeld of ${String(quantity)} for ${holdId}`;
  if (state.holds.has(holdId)) return broken(8, 'at most one hold of a reservation', `${found}, which is open already`);
  if (state.closed.has(holdId)) return broken(8, 'a released hold to stay refused', `${found} after its release`);
  if (at > notAfter)
    return broken(8, `no hold after ${new Date(notAfter).toISOString()}`, `${found} at ${new Date(at).toISOString()}`);
  if (!isCount(quantity) || quantity === 0) return broken(4, 'a whole number of units', found);
  const parts = from ?? [[DEFAULT_WAREHOUSE, quantity] as const];
  if (parts.reduce((sum, [, units]) => sum + units, 0) !== quantity) return broken(4, 'parts that add up', found);
  for (const [warehouseId, units] of parts) {
    const warehouse = state.warehouses.get(warehouseId);
    const available = warehouse ? warehouse.onHand - warehouse.held : 0;
    if (!isCount(units) || units > available)
      return broken(4, `at most the ${available} available in ${warehouseId}`, found);
  }
  return undefined;
}
