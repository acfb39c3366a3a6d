/** The events of a stock item as the journal stores them. */
import type { EventForms } from '../../persistence/event-codec.ts';
import type { StockEvent } from './stock.ts';

export const stockEvents: EventForms<StockEvent> = {
  StockSet: [],
  StockHeld: [],
  StockReleased: [],
  StockHoldBarred: [],
  LowStockReached: [],
};
