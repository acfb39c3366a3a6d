/**
 * Predicts the outcome of a file's orders, one after another against a given stock: an order takes the units of all its
 * lines or, if any product has too few, none and is refused. Pure.
 */
import type { RetailOrder } from './retail-file.ts';

export interface Simulation {
  /** Invoice numbers that are refused for lack of stock. */
  readonly refused: ReadonlySet<string>;
  /** What is left of each product. */
  readonly available: ReadonlyMap<string, number>;
}

/** The units that the orders want of each product, in the order in which products first appear. */
export function unitsWanted(orders: readonly RetailOrder[]): Map<string, number> {
  const wanted = new Map<string, number>();
  for (const { lines } of orders) addUnits(wanted, lines);
  return wanted;
}

export function simulateStock(orders: readonly RetailOrder[], stock: ReadonlyMap<string, number>): Simulation {
  const available = new Map(stock);
  const refused = new Set<string>();
  for (const { invoiceNo, lines } of orders) {
    const wanted = addUnits(new Map(), lines);
    if ([...wanted].some(([productId, quantity]) => quantity > (available.get(productId) ?? 0))) {
      refused.add(invoiceNo);
      continue;
    }
    for (const [productId, quantity] of wanted) available.set(productId, (available.get(productId) ?? 0) - quantity);
  }
  return { refused, available };
}

function addUnits(units: Map<string, number>, lines: RetailOrder['lines']): Map<string, number> {
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}
