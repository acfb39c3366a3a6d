/** The verdict on a replay: each check with the expected value, the found one, and whether it is right. Pure. */
import type { CancellationCode } from '../../actors/order/order.ts';
import { count } from '../support/text.ts';
import type { Unsettled } from './await-settled.ts';
import type { ExpectedTotals } from './expected-totals.ts';
import type { OpeningStock } from './opening-stock.ts';
import { OrderTotals, ranksRight, topOf, type Ranking } from './order-totals.ts';
import type { Reconciliation, StockReconciliation } from './reconcile.ts';
import type { RetailFile } from './retail-file.ts';
import type { SentOrders } from './send-orders.ts';
import type { Simulation } from './simulate-stock.ts';

export interface Check {
  readonly check: string;
  readonly expected: string;
  readonly found: string;
  readonly ok: boolean;
}

export interface ReplayFacts {
  readonly file: RetailFile;
  readonly stock: OpeningStock;
  readonly simulation: Simulation;
  /** Sent one by one, so that shortage follows the order of the file. */
  readonly inFileOrder: boolean;
  readonly expectedTotals: ExpectedTotals | undefined;
  readonly sent: SentOrders;
  readonly unsettled: Unsettled;
  readonly reconciliation: Reconciliation;
  readonly stockReconciliation: StockReconciliation;
  readonly placedTwice: { readonly count: number; readonly offenders: readonly string[] };
}

export interface ReplayVerdict {
  readonly checks: readonly Check[];
  readonly offenders: readonly string[];
  readonly ok: boolean;
}

const SHOWN_RANKS = 10;
const REFUSED_SHOWN_MAX = 10;

export function verdictOf(facts: ReplayFacts): ReplayVerdict {
  const checks = [
    ...sendingChecks(facts),
    ...totalChecks(facts),
    ...agreementChecks(facts),
    ...outcomeChecks(facts),
    ...stockChecks(facts),
    ...expectedFileChecks(facts),
  ];
  return { checks, offenders: offendersOf(facts), ok: checks.every(({ ok }) => ok) };
}

function numbers(check: string, expected: number, found: number): Check {
  return { check, expected: count(expected), found: count(found), ok: expected === found };
}

function sendingChecks({ file, sent, unsettled, placedTwice }: ReplayFacts): Check[] {
  return [
    numbers('orders taken by the node', file.orders.length, sent.orderIds.size),
    numbers('orders unsettled', 0, unsettled.orderIds.length),
    numbers('rows that the read models lack', 0, unsettled.rowsMissingInViews),
    numbers('orders placed twice', 0, placedTwice.count),
  ];
}

/** Each total in the file and in the three sources: one number if they agree, else each with its name. */
function totalChecks({ file, reconciliation }: ReplayFacts): Check[] {
  const wanted = new OrderTotals();
  for (const order of file.orders) wanted.add(order);
  const { columns, state, journal } = reconciliation;
  const total = (check: string, of: (totals: OrderTotals) => number, column?: number): Check => {
    const sources: [string, number][] = [
      ...(column === undefined ? [] : [['view', column] as [string, number]]),
      ['state', of(state)],
      ['journal', of(journal)],
    ];
    const agree = sources.every(([, value]) => value === sources[0]?.[1]);
    const found = agree ? count(of(journal)) : sources.map(([name, value]) => `${name} ${count(value)}`).join(', ');
    return { check, expected: count(of(wanted)), found, ok: sources.every(([, value]) => value === of(wanted)) };
  };
  return [
    total('orders', (totals) => totals.orders, columns.orders),
    total('order_lines', (totals) => totals.lines, columns.lines),
    total('units', (totals) => totals.units, columns.units),
    total('gross', (totals) => totals.gross, columns.gross),
    total('max_lines', (totals) => totals.linesMax, columns.linesMax),
    total('customers', (totals) => totals.customers),
    total('skus', (totals) => totals.skus),
    ranking('top_countries', topOf(wanted.grossByCountry, SHOWN_RANKS), journal.grossByCountry),
    ranking('top_skus', topOf(wanted.unitsBySku, SHOWN_RANKS), journal.unitsBySku),
  ];
}

function ranking(check: string, wanted: Ranking, values: ReadonlyMap<string, number>): Check {
  const ok = ranksRight(wanted, values);
  const found = topOf(values, wanted.length);
  const place = ok
    ? 0
    : Math.max(
        0,
        wanted.findIndex(([name, value], index) => found[index]?.[0] !== name || found[index]?.[1] !== value),
      );
  const text = (ranks: Ranking): string => {
    const rank = ranks[place];
    if (!rank) return 'none';
    return `${place === 0 ? '' : `${place + 1}. `}${rank[0]} ${count(rank[1])}${place === 0 && ranks.length > 1 ? ', ...' : ''}`;
  };
  return { check, expected: text(wanted), found: text(found), ok };
}

function agreementChecks({ reconciliation }: ReplayFacts): Check[] {
  const { captured, differing } = reconciliation;
  return [
    numbers('orders that file, view and journal tell differently', 0, differing),
    numbers('captured for confirmed orders', captured.expected, captured.found),
  ];
}

function outcomeChecks({ file, simulation, inFileOrder, reconciliation }: ReplayFacts): Check[] {
  const { confirmed, cancelled, otherStatuses } = reconciliation;
  const short = cancelled.get('insufficient_inventory') ?? new Set();
  const others = [...cancelled].filter(([code]) => code !== 'insufficient_inventory');
  const checks: Check[] = [];
  if (inFileOrder || simulation.refused.size === 0) {
    checks.push(numbers('Confirmed', file.orders.length - simulation.refused.size, confirmed));
    checks.push(numbers('Cancelled: insufficient_inventory', simulation.refused.size, short.size));
    const surplus = [...short].filter((invoiceNo) => !simulation.refused.has(invoiceNo));
    const missing = [...simulation.refused].filter((invoiceNo) => !short.has(invoiceNo));
    checks.push({
      check: 'exactly the orders fail that the simulation says',
      expected: invoices([...simulation.refused]),
      found:
        surplus.length + missing.length === 0
          ? 'the same'
          : `too many: ${invoices(surplus)}; missing: ${invoices(missing)}`,
      ok: surplus.length + missing.length === 0,
    });
  } else {
    checks.push({
      check: 'Cancelled: insufficient_inventory',
      expected: 'depends on who comes first (--concurrency 1 makes it certain)',
      found: count(short.size),
      ok: short.size > 0 && confirmed + short.size === file.orders.length,
    });
  }
  for (const [code, orders] of others)
    checks.push(numbers(`Cancelled: ${code satisfies CancellationCode}`, 0, orders.size));
  if (otherStatuses > 0) checks.push(numbers('neither Confirmed nor Cancelled', 0, otherStatuses));
  return checks;
}

function invoices(invoiceNos: readonly string[]): string {
  if (invoiceNos.length === 0) return 'none';
  const more = invoiceNos.length > 3 ? ` and ${invoiceNos.length - 3} more` : '';
  return `${invoiceNos.slice(0, 3).join(', ')}${more}`;
}

function stockChecks({ stock, simulation, stockReconciliation }: ReplayFacts): Check[] {
  const checks = [numbers('products whose stock is not opening less confirmed', 0, stockReconciliation.differing)];
  if (!stock.fromStockFile && simulation.refused.size === 0) {
    checks.push(numbers('products with anything available', 0, stockReconciliation.productsWithAvailable));
  }
  return checks;
}

function expectedFileChecks({ expectedTotals, reconciliation: { journal } }: ReplayFacts): Check[] {
  if (!expectedTotals) return [];
  const { topCountries, topSkus } = expectedTotals;
  return [
    numbers('expected.json: orders', expectedTotals.orders, journal.orders),
    numbers('expected.json: order_lines', expectedTotals.lines, journal.lines),
    numbers('expected.json: units', expectedTotals.units, journal.units),
    numbers('expected.json: gross', expectedTotals.gross, journal.gross),
    numbers('expected.json: max_lines', expectedTotals.linesMax, journal.linesMax),
    numbers('expected.json: customers', expectedTotals.customers, journal.customers),
    numbers('expected.json: skus', expectedTotals.skus, journal.skus),
    ranking('expected.json: top_countries', topCountries, journal.grossByCountry),
    ranking('expected.json: top_skus', topSkus, journal.unitsBySku),
  ];
}

function offendersOf({ sent, unsettled, reconciliation, stockReconciliation, placedTwice }: ReplayFacts): string[] {
  const refused = sent.refused.map(
    ({ invoiceNo, status, code, detail }) => `invoice ${invoiceNo}: refused with ${status} ${code}. ${detail}`,
  );
  return [
    ...refused.slice(0, REFUSED_SHOWN_MAX),
    ...unsettled.orderIds.slice(0, REFUSED_SHOWN_MAX).map((orderId) => `order ${orderId}: not settled`),
    ...placedTwice.offenders,
    ...reconciliation.offenders,
    ...stockReconciliation.offenders,
  ];
}
