/**
 * Reconciles the orders of a file with the database: reads them back in batches from the order view and the journal,
 * compares each with the file, and sums each source up. Memory is bounded by a batch, by the totals (customers, countries,
 * products) and by the file's own orders, which the caller holds.
 */
import type { CancellationCode } from '../../actors/order/order.ts';
import type { ReconcileReader, StoredStock } from '../../persistence/postgres/reconcile-reader.ts';
import { reconcileOrder } from './reconcile-order.ts';
import { OrderTotals } from './order-totals.ts';
import type { RetailOrder } from './retail-file.ts';

/** A batch of the largest orders allowed (2,000 lines) still fits in some 50 MB. */
const ORDERS_PER_BATCH = 100;
const PRODUCTS_PER_BATCH = 2_000;
const OFFENDERS_KEPT_MAX = 10;

/** Figures from the order view's columns alone. */
export interface ColumnTotals {
  orders: number;
  lines: number;
  units: number;
  gross: number;
  linesMax: number;
}

export interface Reconciliation {
  readonly columns: ColumnTotals;
  readonly state: OrderTotals;
  readonly journal: OrderTotals;
  /** Orders whose sources differ, and the first of them with the differences. */
  readonly differing: number;
  readonly offenders: readonly string[];
  readonly confirmed: number;
  readonly cancelled: ReadonlyMap<CancellationCode, ReadonlySet<string>>;
  /** Neither Confirmed nor Cancelled. */
  readonly otherStatuses: number;
  /** Pence that were captured for confirmed orders, and what they cost. */
  readonly captured: { readonly expected: number; readonly found: number };
  /** Units of each product that confirmed orders hold. */
  readonly unitsConfirmed: ReadonlyMap<string, number>;
}

export async function reconcileOrders(
  reader: ReconcileReader,
  orders: readonly RetailOrder[],
  orderIds: ReadonlyMap<string, string>,
  progress: (done: number) => void,
): Promise<Reconciliation> {
  const columns = { orders: 0, lines: 0, units: 0, gross: 0, linesMax: 0 };
  const state = new OrderTotals();
  const journal = new OrderTotals();
  const cancelled = new Map<CancellationCode, Set<string>>();
  const unitsConfirmed = new Map<string, number>();
  const captured = { expected: 0, found: 0 };
  const offenders: string[] = [];
  let differing = 0;
  let confirmed = 0;
  let otherStatuses = 0;
  const known = orders.filter(({ invoiceNo }) => orderIds.has(invoiceNo));
  for (let start = 0; start < known.length; start += ORDERS_PER_BATCH) {
    const batch = known.slice(start, start + ORDERS_PER_BATCH);
    const stored = await reader.orders(batch.map(({ invoiceNo }) => orderIds.get(invoiceNo)!));
    stored.forEach((each, index) => {
      const expected = batch[index]!;
      const order = reconcileOrder(expected, each);
      if (order.differences.length > 0) {
        differing++;
        if (offenders.length < OFFENDERS_KEPT_MAX) {
          offenders.push(`order ${each.orderId} (invoice ${expected.invoiceNo}): ${order.differences.join('. ')}`);
        }
      }
      if (each.view) addColumns(columns, each.view);
      if (order.stateOrder) state.add(order.stateOrder);
      if (order.journal) journal.add(order.journal);
      if (order.state?.status === 'Confirmed') {
        confirmed++;
        captured.expected += order.state.total;
        captured.found += order.state.payment.captured;
        for (const { productId, quantity } of order.state.terms.lines) {
          unitsConfirmed.set(productId, (unitsConfirmed.get(productId) ?? 0) + quantity);
        }
      } else if (order.state?.status === 'Cancelled') {
        const { code } = order.state.cancellation;
        const invoices = cancelled.get(code) ?? new Set();
        cancelled.set(code, invoices.add(expected.invoiceNo));
      } else otherStatuses++;
    });
    progress(start + batch.length);
  }
  return {
    columns,
    state,
    journal,
    differing,
    offenders,
    confirmed,
    cancelled,
    otherStatuses,
    captured,
    unitsConfirmed,
  };
}

function addColumns(columns: ColumnTotals, view: { lineCount: number; units: number; totalAmount: number }): void {
  columns.orders++;
  columns.lines += view.lineCount;
  columns.units += view.units;
  columns.gross += view.totalAmount;
  columns.linesMax = Math.max(columns.linesMax, view.lineCount);
}

export interface StockReconciliation {
  /** Products whose stock view differs from the opening stock less the confirmed orders' units. */
  readonly differing: number;
  readonly offenders: readonly string[];
  readonly available: number;
  readonly productsWithAvailable: number;
}

/**
 * Compares the stock view with the opening stock and the confirmed orders' holds. If the database has other orders,
 * holds beyond the file's own are theirs and are added on both sides.
 */
export async function reconcileStock(
  reader: ReconcileReader,
  onHand: ReadonlyMap<string, number>,
  unitsConfirmed: ReadonlyMap<string, number>,
  hasOtherOrders: boolean,
): Promise<StockReconciliation> {
  const productIds = [...onHand.keys()];
  const offenders: string[] = [];
  let differing = 0;
  let available = 0;
  let productsWithAvailable = 0;
  for (let start = 0; start < productIds.length; start += PRODUCTS_PER_BATCH) {
    const batch = productIds.slice(start, start + PRODUCTS_PER_BATCH);
    const found = new Map<string, StoredStock>();
    for (const stock of await reader.stock(batch)) found.set(stock.productId, stock);
    for (const productId of batch) {
      const stock = found.get(productId);
      const own = unitsConfirmed.get(productId) ?? 0;
      const others = hasOtherOrders ? Math.max(0, (stock?.held ?? 0) - own) : 0;
      const expected = { onHand: (onHand.get(productId) ?? 0) + others, held: own + others };
      const left = stock ? stock.onHand - stock.held : 0;
      available += left;
      if (left !== 0) productsWithAvailable++;
      if (stock?.onHand === expected.onHand && stock.held === expected.held) continue;
      differing++;
      if (offenders.length < OFFENDERS_KEPT_MAX) {
        const text = stock ? `onHand ${stock.onHand}, held ${stock.held}` : 'no row';
        offenders.push(
          `product ${productId}: expected onHand ${expected.onHand}, held ${expected.held}; found ${text}`,
        );
      }
    }
  }
  return { differing, offenders, available, productsWithAvailable };
}

/** Orders of other ids that carry an invoice number of the file: the same sale twice. */
export async function ordersPlacedTwice(
  reader: ReconcileReader,
  orderIds: ReadonlyMap<string, string>,
): Promise<{ readonly count: number; readonly offenders: readonly string[] }> {
  const offenders: string[] = [];
  let count = 0;
  for await (const page of reader.references()) {
    for (const { orderId, externalReference } of page) {
      const own = orderIds.get(externalReference);
      if (own === undefined || own === orderId) continue;
      count++;
      if (offenders.length < OFFENDERS_KEPT_MAX)
        offenders.push(`invoice ${externalReference}: orders ${own} and ${orderId}`);
    }
  }
  return { count, offenders };
}
