/**
 * What an audit proves of orders (invariant 6): every accepted order settles, and once it has settled the order, its
 * payment and its reservation tell the same story. An order records what the others did, so no event of its own breaks
 * a rule: it is compared with them as a whole.
 */
import { broken, type AuditDefinition, type AuditedView, type BrokenRule } from '../../audit/audit-definition.ts';
import { described, firstDifference } from '../../audit/first-difference.ts';
import type { PaymentState } from '../payment/payment.ts';
import type { ReservationState } from '../reservation/reservation.ts';
import { itemsOf, type OrderEvent, type OrderState, type PlacedOrder } from './order.ts';

/** The order, payment and reservation of one order id, where all three could be read. */
interface OrderTriple {
  readonly order: PlacedOrder;
  readonly payment: PaymentState;
  readonly reservation: ReservationState;
}

/** Between the order and one of the others. */
type Mismatch = Pick<BrokenRule, 'expected' | 'found'>;

const view: AuditedView<OrderState> = {
  table: 'order_view',
  columns: {
    orderId: 'order_id',
    firstSeq: 'first_seq',
    customerId: 'customer_id',
    status: 'status',
    settled: 'settled',
    currency: 'currency',
    totalAmount: 'total_amount',
    lineCount: 'line_count',
    units: 'units',
    externalReference: 'external_reference',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
    state: 'state',
  },
  key: 'orderId',
  json: 'state',
  rows: (state, { firstSeq, settled }) => {
    if (state.status === 'Absent') return []; // an id that was claimed for something else has rows, and no order
    const { terms } = state;
    return [
      {
        firstSeq,
        customerId: terms.customerId,
        status: state.status,
        settled,
        currency: terms.currency,
        totalAmount: state.total,
        lineCount: terms.lines.length,
        units: terms.lines.reduce((units, line) => units + line.quantity, 0),
        externalReference: terms.externalReference ?? null,
        createdAt: state.createdAt,
        updatedAt: state.updatedAt,
        state,
      },
    ];
  },
};

export const orderAudit: AuditDefinition<OrderState, OrderEvent> = {
  idForm: 'uuid',
  brokenBetween: (order, group) => {
    const { payment, reservation } = group as unknown as OrderTriple;
    if (order.status === 'Absent') return [];
    return mismatches({ order, payment, reservation }).map(({ expected, found }) => broken(6, expected, found));
  },
  status: ({ status }) => status,
  view,
  report: {
    totals: ({ byStatus, pending }) => ({ ordersByStatus: Object.fromEntries(byStatus), pendingOrders: pending }),
    title: 'orders',
    line: ({ byStatus, pending }, number) => {
      const orders = [...byStatus].map(([status, orderCount]) => `${number(orderCount)} ${status}`);
      return `${orders.length === 0 ? 'none' : orders.join(', ')}; ${number(pending)} pending`;
    },
  },
};

/** Only for an order with nothing outstanding. */
function mismatches(triple: OrderTriple): Mismatch[] {
  const { order } = triple;
  switch (order.status) {
    case 'Confirmed':
      return [...paymentIs(triple, 'Captured'), ...reservationIsHeld(triple)];
    case 'PaymentAuthorized':
      return [...paymentIs(triple, 'Authorized'), ...reservationIsHeld(triple)];
    case 'Cancelled':
      return cancelledLeavesNothing(triple);
    case 'Created':
    case 'PaymentPending':
    case 'CancellationPending':
      return []; // never settled
  }
}

function paymentIs({ order, payment }: OrderTriple, status: 'Captured' | 'Authorized'): Mismatch[] {
  const expected = `payment ${status} of ${order.total} ${order.terms.currency}, as the order is ${order.status}`;
  if (payment.status !== status) return [{ expected, found: `payment ${payment.status}` }];
  if (payment.amount === order.total && payment.currency === order.terms.currency) return [];
  return [{ expected, found: `payment ${status} of ${payment.amount} ${payment.currency}` }];
}

function reservationIsHeld({ order, reservation }: OrderTriple): Mismatch[] {
  if (reservation.status !== 'Held') {
    return [
      { expected: `reservation Held, as the order is ${order.status}`, found: `reservation ${reservation.status}` },
    ];
  }
  const difference = firstDifference(itemsOf(order.terms.lines), reservation.items, 'reserved items');
  return difference ? [described(difference)] : [];
}

function cancelledLeavesNothing({ order, payment, reservation }: OrderTriple): Mismatch[] {
  const found: Mismatch[] = [];
  if (reservation.status !== 'Released') {
    found.push({
      expected: 'reservation Released, as the order is Cancelled',
      found: `reservation ${reservation.status}`,
    });
  }
  const { status } = payment;
  if (status !== 'Absent' && status !== 'Declined' && status !== 'Voided' && status !== 'Refunded') {
    found.push({ expected: 'payment Voided or Refunded, as the order is Cancelled', found: `payment ${status}` });
  } else if ((status === 'Refunded') !== (order.payment.status === 'Refunded')) {
    found.push({ expected: `payment ${status}, as recorded`, found: `the order shows it as ${order.payment.status}` });
  }
  return found;
}
