/** Events and commands of one stock item, short enough to write a history in a line. */
import { CLOCK_SKEW_MAX_MS, type StockCommand, type StockEvent } from '../../actors/stock/stock.ts';
import { NOW } from './decider-specification.ts';

export const notAfter = NOW + 1_000;
export const set = (onHand: number, warehouseId = 'main', lowStockThreshold?: number | null): StockEvent => ({
  type: 'StockSet',
  warehouseId,
  onHand,
  ...(lowStockThreshold !== undefined && { lowStockThreshold }),
});
export const setStock = (onHand: number, warehouseId = 'main', lowStockThreshold?: number | null): StockCommand =>
  ({ ...set(onHand, warehouseId, lowStockThreshold), type: 'SetStock' }) as StockCommand;
export const hold = (quantity: number, holdId = 'h'): StockCommand => ({
  type: 'HoldStock',
  holdId,
  quantity,
  notAfter,
});
export const held = (quantity: number, holdId = 'h'): StockEvent => ({ type: 'StockHeld', holdId, quantity, notAfter });
export const heldFrom = (quantity: number, from: readonly (readonly [string, number])[]): StockEvent =>
  ({ ...held(quantity), from }) as StockEvent;
export const release: StockCommand = { type: 'ReleaseHold', holdId: 'h', notAfter };
export const released: StockEvent = { type: 'StockReleased', holdId: 'h' };
export const barred: StockEvent = { type: 'StockHoldBarred', holdId: 'h', notAfter };
export const low = (available: number, threshold: number): StockEvent => ({
  type: 'LowStockReached',
  available,
  threshold,
});
export const late = notAfter + 1;
/** The first moment at which no clock can be before notAfter. */
export const forgotten = notAfter + CLOCK_SKEW_MAX_MS + 1;

export const histories = {
  'no stock entry': [],
  'a release before any entry': [barred],
  'stock set': [set(5)],
  'the hold open': [set(5), held(4)],
  'the hold released': [set(5), held(4), released],
  'the hold barred': [set(5), barred],
  'too little available': [set(5), held(3, 'other')],
} as const satisfies Record<string, readonly StockEvent[]>;
