/**
 * Compares the answers that clients got with the orders in the journal. Pure.
 *
 *   acknowledged (any 2xx)      exactly one order, the one that was sent
 *   every try certainly failed  no order
 *   otherwise                   at most one
 */
import { totalOf, type WantedOrder } from '../load/history.ts';
import type { JournalFacts, OrderFacts } from './journal-scan.ts';
import { type Violation, Violations } from './violation.ts';

/** How an order may be cancelled without a request; '': it may be confirmed. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  tok_decline: ['payment_declined', 'insufficient_inventory'],
  tok_capture_fail: ['payment_capture_failed', 'insufficient_inventory'],
};
const ENDS_OF_OTHERS = ['', 'insufficient_inventory'];

export function checkOrders(wanted: readonly WantedOrder[], { orders }: JournalFacts): Violation[] {
  const violations = new Violations();
  const byReference = groupByReference(orders);
  for (const order of wanted) {
    const found = byReference.get(order.reference) ?? [];
    byReference.delete(order.reference);
    checkExistence(order, found, violations);
    for (const facts of found) checkOrder(order, facts, violations);
  }
  for (const [reference, found] of byReference) {
    for (const { orderId } of found) {
      violations.add('order_without_request', orderId, 'an external reference of this run', String(reference));
    }
  }
  return violations.list;
}

function groupByReference(orders: JournalFacts['orders']): Map<string | undefined, OrderFacts[]> {
  const groups = new Map<string | undefined, OrderFacts[]>();
  for (const order of orders.values()) {
    const group = groups.get(order.reference);
    if (group === undefined) groups.set(order.reference, [order]);
    else group.push(order);
  }
  return groups;
}

function checkExistence(order: WantedOrder, found: readonly OrderFacts[], violations: Violations): void {
  const { reference, placing, orderIds } = order;
  if (found.length > 1 || orderIds.length > 1) {
    const ids = [...new Set([...orderIds, ...found.map(({ orderId }) => orderId)])];
    violations.add('two_orders_for_key', reference, 'one order', ids.join(', '));
  }
  for (const { orderId, created } of found) {
    if (created !== 1) violations.add('created_twice', orderId, 'one OrderCreated', String(created));
  }
  for (const orderId of orderIds) {
    if (found.some((facts) => facts.orderId === orderId)) continue;
    violations.add('lost_order', reference, `the acknowledged order ${orderId}`, 'no such order');
  }
  if (found.length > 0 && placing.ok === 0 && placing.unknown === 0) {
    const expected = `none: each of ${placing.failed} tries promised that nothing was applied`;
    violations.add('failed_order_is_there', reference, expected, `${found[0]!.orderId} after ${order.lastFailure}`);
  }
}

function checkOrder(order: WantedOrder, facts: OrderFacts, violations: Violations): void {
  const expected = JSON.stringify([order.customer, order.lines.map(lineOf)]);
  const found = JSON.stringify([facts.customer, facts.lines.map(lineOf)]);
  if (expected !== found) violations.add('order_differs', order.reference, expected, found);
  if (facts.version < order.versionSeen) {
    const shown = `version ${order.versionSeen} or later, which was shown`;
    violations.add('lost_change', order.reference, shown, `version ${facts.version}`);
  }
  checkEnd(order, facts, violations);
  checkMoney(order, facts, violations);
}

const lineOf = ({ productId, quantity, unitPrice }: OrderFacts['lines'][number]): unknown[] => [
  productId,
  quantity,
  unitPrice,
];

function checkEnd(
  order: WantedOrder,
  { confirmed, captureRecorded, cancelledFor }: OrderFacts,
  violations: Violations,
) {
  const { reference, token, cancelling, endSeen } = order;
  const isSettled = cancelledFor !== undefined || (confirmed && captureRecorded);
  if (!isSettled) {
    const found = confirmed ? 'confirmed, and its capture not recorded' : 'neither confirmed nor cancelled';
    violations.add('unsettled_order', reference, 'confirmed and captured, or cancelled', found);
    return;
  }
  const isCancelled = cancelledFor !== undefined;
  if ((cancelling.ok > 0 || endSeen === 'Cancelled') && !isCancelled) {
    violations.add('lost_cancellation', reference, 'cancelled, as was acknowledged', 'confirmed');
  }
  const mayBeRequested = cancelling.ok > 0 || cancelling.unknown > 0;
  const allowed = [...(ENDS[token] ?? ENDS_OF_OTHERS), ...(mayBeRequested ? ['requested'] : [])];
  if (!allowed.includes(cancelledFor ?? '')) {
    violations.add('wrong_end', reference, `${token}: ${allowed.map(named).join(' or ')}`, named(cancelledFor ?? ''));
  }
}

const named = (code: string): string => (code === '' ? 'confirmed' : code);

function checkMoney(order: WantedOrder, facts: OrderFacts, violations: Violations): void {
  const { reference } = order;
  const { payment, cancelledFor } = facts;
  const total = totalOf(order.lines);
  for (const what of ['authorizations', 'captures', 'voids', 'refunds'] as const) {
    if (payment[what] > 1) violations.add('money_moved_twice', reference, `one of ${what}`, String(payment[what]));
  }
  const kept = payment.captured - payment.refunded;
  const expected = cancelledFor === undefined && facts.confirmed ? total : 0;
  if (kept !== expected) {
    violations.add(
      'wrong_money',
      reference,
      `${expected} captured and kept`,
      `${payment.captured} - ${payment.refunded}`,
    );
  }
  if (payment.captures > 0 && (payment.voids > 0 || payment.authorizations === 0)) {
    violations.add(
      'captured_without_authorization',
      reference,
      'an authorization that stands',
      JSON.stringify(payment),
    );
  }
  const isOpen = payment.authorizations > payment.captures + payment.voids;
  if (cancelledFor !== undefined && isOpen) {
    violations.add(
      'authorization_left',
      reference,
      'a cancelled order with nothing authorized',
      JSON.stringify(payment),
    );
  }
}
