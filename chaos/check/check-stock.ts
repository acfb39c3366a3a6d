/**
 * Checks the conservation of stock. Pure. Units leave only by the hold of a standing order, and onHand changes only by
 * a setting that was acknowledged or may have been applied.
 */
import type { StockPut } from '../load/history.ts';
import type { JournalFacts, StockFacts } from './journal-scan.ts';
import { type Violation, Violations } from './violation.ts';

/** The product as the edge shows it at the end. */
export interface StockAnswer {
  readonly productId: string;
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
}

export function checkStock(
  puts: readonly StockPut[],
  { orders, stock }: JournalFacts,
  answers: readonly StockAnswer[],
): Violation[] {
  const violations = new Violations();
  checkHolds(orders, stock, violations);
  for (const [productId, group] of groupByProduct(puts)) {
    const item = stock.get(productId);
    if (item === undefined) violations.add('lost_product', productId, 'its stock', 'none');
    else checkPuts(group, item, violations);
  }
  for (const answer of answers) {
    const item = stock.get(answer.productId);
    const expected = JSON.stringify({ onHand: item?.onHand, held: item?.held });
    const found = JSON.stringify({ onHand: answer.onHand, held: answer.held });
    if (expected !== found) violations.add('wrong_stock_answer', answer.productId, expected, found);
    if (answer.available !== answer.onHand - answer.held) {
      violations.add('wrong_stock_answer', answer.productId, 'available = onHand - held', JSON.stringify(answer));
    }
  }
  return violations.list;
}

/** The open holds are exactly the lines of the orders that stand. */
function checkHolds(orders: JournalFacts['orders'], stock: JournalFacts['stock'], violations: Violations): void {
  const wanted = new Map<string, Map<string, number>>();
  for (const { orderId, lines, confirmed, cancelledFor } of orders.values()) {
    if (!confirmed || cancelledFor !== undefined) continue;
    for (const { productId, quantity } of lines) {
      let holds = wanted.get(productId);
      if (holds === undefined) wanted.set(productId, (holds = new Map<string, number>()));
      holds.set(orderId, (holds.get(orderId) ?? 0) + quantity);
    }
  }
  for (const { productId, holds } of stock.values()) {
    const expected = wanted.get(productId) ?? new Map<string, number>();
    for (const orderId of new Set([...expected.keys(), ...holds.keys()])) {
      const [should, does] = [expected.get(orderId) ?? 0, holds.get(orderId) ?? 0];
      if (should === does) continue;
      violations.add('wrong_hold', productId, `${should} units held for order ${orderId}`, String(does));
    }
  }
}

function groupByProduct(puts: readonly StockPut[]): Map<string, StockPut[]> {
  const groups = new Map<string, StockPut[]>();
  for (const put of puts) groups.set(put.productId, [...(groups.get(put.productId) ?? []), put]);
  return groups;
}

/** `puts` of one product, in the order in which they were sent, one after another. */
function checkPuts(puts: readonly StockPut[], item: StockFacts, violations: Violations): void {
  const { productId, sets, onHand } = item;
  for (const { onHand: value, placing } of puts) {
    const times = sets.get(value) ?? 0;
    const [min, max] = placing.ok > 0 ? [1, 1] : placing.unknown > 0 ? [0, 1] : [0, 0];
    if (times >= min && times <= max) continue;
    const rule = times < min ? 'lost_stock_setting' : times > 1 ? 'stock_set_twice' : 'failed_stock_setting_is_there';
    violations.add(
      rule,
      productId,
      `onHand set to ${value} ${min === max ? min : `${min} or ${max}`} times`,
      `${times}`,
    );
  }
  const known = new Set(puts.map((put) => put.onHand));
  for (const value of sets.keys()) {
    if (!known.has(value))
      violations.add('stock_set_without_request', productId, 'a number that was sent', String(value));
  }
  // A setting that may have been applied may also have been applied late, after later ones.
  const last = puts.findLast(({ placing }) => placing.ok > 0);
  const possible = puts.filter((put) => put === last || (put.placing.ok === 0 && put.placing.unknown > 0));
  if (last !== undefined && !possible.some((put) => put.onHand === onHand)) {
    violations.add('wrong_on_hand', productId, possible.map((put) => put.onHand).join(' or '), String(onHand));
  }
}
