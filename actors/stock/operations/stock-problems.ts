/** Owns what becomes of a stock item's refusals. */
import type { Answerer } from '../../../http/answer-problems.ts';
import { Problem } from '../../../http/problems.ts';
import type { HoldRefusal, StockRefusal } from '../stock.ts';

export const STOCK_ITEM = {
  name: 'stock item',
  problemOf: (refusal) => problemOf(refusal as Exclude<StockRefusal, HoldRefusal>),
} as const satisfies Answerer;

/** Undefined at run time for what only a hold is refused by. */
function problemOf(refusal: Exclude<StockRefusal, HoldRefusal>): Problem | undefined {
  switch (refusal.code) {
    case 'too_many_warehouses':
      return new Problem('validation_failed', `A product has at most ${refusal.countMax} warehouses.`, {
        errors: [{ pointer: '/warehouseId', code: refusal.code, detail: 'would be one warehouse too many' }],
      });
    case 'stock_below_held': {
      const { held, warehouseId } = refusal;
      const detail = `Orders hold ${held} units in warehouse "${warehouseId}"; onHand can't be less.`;
      return new Problem('illegal_transition', detail, { members: { held, warehouseId } });
    }
  }
}
