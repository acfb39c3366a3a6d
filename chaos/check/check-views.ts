/** Compares what readers see at the end with the journal. Pure. */
import { totalOf, type WantedOrder } from '../load/history.ts';
import { differenceOf, type OrderAnswer } from '../load/order-answer.ts';
import type { JournalFacts, OrderFacts } from './journal-scan.ts';
import { type Violation, Violations } from './violation.ts';

/** A row of the read model. */
export interface OrderViewRow {
  readonly orderId: string;
  readonly reference: string | null;
  readonly status: string;
  readonly settled: boolean;
  readonly version: number;
  readonly total: number;
  readonly customer: string;
}

/** The last read over HTTP of an acknowledged order. */
export interface FinalRead {
  readonly order: WantedOrder;
  readonly status: number;
  readonly body: OrderAnswer | undefined;
}

const statusOf = ({ confirmed, cancelledFor }: OrderFacts): string =>
  cancelledFor !== undefined ? 'Cancelled' : confirmed ? 'Confirmed' : 'not settled';

export function checkViews(rows: readonly OrderViewRow[], { orders }: JournalFacts): Violation[] {
  const violations = new Violations();
  const seen = new Set<string>();
  for (const row of rows) {
    const { orderId } = row;
    const facts = orders.get(orderId);
    if (seen.has(orderId) || facts === undefined) {
      violations.add(
        'view_of_nothing',
        orderId,
        'one row of an order that is there',
        seen.has(orderId) ? 'two' : 'none',
      );
      continue;
    }
    seen.add(orderId);
    const settled = facts.cancelledFor !== undefined || (facts.confirmed && facts.captureRecorded);
    const expected = JSON.stringify([
      facts.reference,
      facts.customer,
      totalOf(facts.lines),
      facts.version,
      settled,
      settled ? statusOf(facts) : row.status,
    ]);
    const found = JSON.stringify([row.reference, row.customer, row.total, row.version, row.settled, row.status]);
    if (expected !== found) violations.add('wrong_view', orderId, expected, found);
  }
  for (const orderId of orders.keys()) {
    if (!seen.has(orderId)) violations.add('missing_view', orderId, 'a row in the read model', 'none');
  }
  return violations.list;
}

export function checkFinalReads(reads: readonly FinalRead[], { orders }: JournalFacts): Violation[] {
  const violations = new Violations();
  for (const { order, status, body } of reads) {
    const { reference } = order;
    if (status !== 200 || body === undefined) {
      violations.add('lost_order_over_http', reference, '200 for an acknowledged order', String(status));
      continue;
    }
    const difference = differenceOf(body, order);
    if (difference) violations.add('wrong_answer', reference, difference.expected, difference.found);
    const facts = orders.get(body.orderId);
    if (facts === undefined) continue;
    const kept = facts.payment.captured - facts.payment.refunded;
    const expected = JSON.stringify([statusOf(facts), facts.version, kept]);
    const shown = body.payment.captured.amount - body.payment.refunded.amount;
    const found = JSON.stringify([body.status, body.version, shown]);
    if (expected !== found) violations.add('wrong_answer', reference, expected, found);
  }
  return violations.list;
}
