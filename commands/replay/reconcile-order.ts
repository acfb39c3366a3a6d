/**
 * Compares one order in four sources: the file, the journal's first row, the order view's columns, and the order view's
 * state. Differences are reported by name, to the penny. Pure.
 */
import type { OrderEvent, PlacedOrder } from '../../actors/order/order.ts';
import { orderEvents } from '../../actors/order/stored-events.ts';
import { decodeEvents } from '../../persistence/event-codec.ts';
import type { StoredOrder } from '../../persistence/postgres/reconcile-reader.ts';
import { described, firstDifference } from '../../audit/first-difference.ts';
import type { CountedOrder } from './order-totals.ts';
import { orderRequest } from './order-request.ts';
import type { RetailOrder } from './retail-file.ts';

type OrderCreated = OrderEvent & { readonly type: 'OrderCreated' };

/** The order in each source; undefined where a source lacks it, or can't be read. */
export interface ReconciledOrder {
  readonly journal: CountedOrder | undefined;
  readonly state: PlacedOrder | undefined;
  readonly stateOrder: CountedOrder | undefined;
  /** Texts for people, naming sources and values. */
  readonly differences: readonly string[];
}

export function reconcileOrder(expected: RetailOrder, stored: StoredOrder): ReconciledOrder {
  const differences: string[] = [];
  const compare = (source: string, wanted: unknown, found: unknown): void => {
    const difference = firstDifference(wanted, found);
    if (!difference) return;
    const texts = described(difference);
    differences.push(`${source}: expected ${texts.expected}; found ${texts.found}`);
  };
  const fromFile = termsOf(expected);
  const journal = createdIn(stored.created);
  if (journal) compare('journal', fromFile, pick(journal));
  else differences.push('journal: expected OrderCreated; found nothing that can be read');
  const { view } = stored;
  if (!view) {
    differences.push('order view: expected a row; found none');
    return { journal: journal && countedOf(journal), state: undefined, stateOrder: undefined, differences };
  }
  const { lines } = expected;
  compare(
    'order view',
    {
      customerId: expected.customerId,
      currency: 'GBP',
      totalAmount: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0),
      lineCount: lines.length,
      units: lines.reduce((sum, { quantity }) => sum + quantity, 0),
      externalReference: expected.invoiceNo,
    },
    { ...view, status: undefined, state: undefined },
  );
  const state = stateIn(view.state);
  if (!state) differences.push('order view, state: expected an order; found nothing that can be read');
  else {
    compare(
      'order view, state',
      { ...fromFile, total: view.totalAmount, status: view.status },
      { ...pick(state.terms), total: state.total, status: state.status },
    );
    if (journal) compare('order view, state, against the journal', termsIn(journal), state.terms);
  }
  return { journal: journal && countedOf(journal), state, stateOrder: state && countedOf(state.terms), differences };
}

/** What the file determines of an order's terms. */
function termsOf(order: RetailOrder) {
  const { shippingAddress, paymentMethod } = orderRequest(order) as Pick<
    OrderCreated,
    'shippingAddress' | 'paymentMethod'
  >;
  const { customerId, invoiceNo: externalReference, placedAt, lines } = order;
  return {
    customerId,
    externalReference,
    placedAt: Date.parse(placedAt),
    currency: 'GBP',
    lines,
    shippingAddress,
    paymentMethod,
    confirmation: 'automatic',
  };
}

function pick(terms: Omit<OrderCreated, 'type' | 'holdNotAfter'>) {
  const { customerId, externalReference, placedAt, currency, lines, shippingAddress, paymentMethod, confirmation } =
    terms;
  // The same moment may be written in more than one way.
  return {
    customerId,
    externalReference,
    placedAt: Date.parse(placedAt ?? ''),
    currency,
    lines,
    shippingAddress,
    paymentMethod,
    confirmation,
  };
}

function termsIn(created: OrderCreated) {
  const { type: _type, holdNotAfter: _holdNotAfter, ...terms } = created;
  return terms;
}

function countedOf({
  customerId,
  shippingAddress,
  lines,
}: Pick<OrderCreated, 'customerId' | 'shippingAddress' | 'lines'>): CountedOrder {
  return { customerId, country: shippingAddress.country, lines };
}

function createdIn(text: string | undefined): OrderCreated | undefined {
  try {
    const [event] = decodeEvents(text ?? '', orderEvents) as OrderEvent[];
    return event?.type === 'OrderCreated' && Array.isArray(event.lines) ? event : undefined;
  } catch {
    return undefined;
  }
}

function stateIn(text: string): PlacedOrder | undefined {
  try {
    const state = JSON.parse(text) as PlacedOrder | null;
    return Array.isArray(state?.terms?.lines) && state.terms.shippingAddress ? state : undefined;
  } catch {
    return undefined;
  }
}
