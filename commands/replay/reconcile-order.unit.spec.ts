import { expect } from 'chai';
import { orderDecider } from '../../actors/order/decider.ts';
import type { OrderEvent, PlacedOrder } from '../../actors/order/order.ts';
import type { StoredOrder } from '../../persistence/postgres/reconcile-reader.ts';
import { orderRequest } from './order-request.ts';
import { reconcileOrder } from './reconcile-order.ts';
import type { RetailOrder } from './retail-file.ts';

const EXPECTED: RetailOrder = {
  invoiceNo: '536365',
  customerId: '17850',
  country: 'United Kingdom',
  placedAt: '2010-12-01T08:26:00.000Z',
  lines: [
    { productId: '85123A', quantity: 6, unitPrice: 255 },
    { productId: '71053', quantity: 6, unitPrice: 339 },
  ],
};
const ORDER_ID = '0190a0b0-0000-7000-8000-000000000001';

type Created = OrderEvent & { readonly type: 'OrderCreated' };

function created(): Created {
  const { shippingAddress, paymentMethod } = orderRequest(EXPECTED) as Created;
  const { customerId, lines, placedAt, invoiceNo: externalReference } = EXPECTED;
  const terms = { customerId, lines, placedAt, externalReference, shippingAddress, paymentMethod, currency: 'GBP' };
  return {
    type: 'OrderCreated',
    holdNotAfter: 1,
    confirmation: 'automatic',
    bodyHash: 'h',
    reservationTtlMs: 1,
    ...terms,
  };
}

function stored(event: Created = created(), change: Partial<NonNullable<StoredOrder['view']>> = {}): StoredOrder {
  const state = orderDecider.evolve(orderDecider.initial(`ord_${ORDER_ID}`), created(), 5) as PlacedOrder;
  const view = {
    customerId: '17850',
    status: state.status,
    currency: 'GBP',
    totalAmount: state.total,
    lineCount: 2,
    units: 12,
    externalReference: '536365',
    state: JSON.stringify(state),
    ...change,
  };
  return { orderId: ORDER_ID, view, created: JSON.stringify([event]) };
}

describe('an order as its sources tell it', () => {
  it('is right where file, journal, view and state agree', () => {
    expect(reconcileOrder(EXPECTED, stored()).differences).to.deep.equal([]);
  });

  it('is wrong by one penny in the view', () => {
    const [difference] = reconcileOrder(EXPECTED, stored(created(), { totalAmount: 3565 })).differences;
    expect(difference).to.equal('order view: expected totalAmount 3564; found 3565');
  });

  it('is wrong by one penny of one line in the journal', () => {
    const lines = EXPECTED.lines.map((line, index) => (index === 1 ? { ...line, unitPrice: 340 } : line));
    const { differences } = reconcileOrder(EXPECTED, stored({ ...created(), lines }));
    expect(differences[0]).to.equal('journal: expected lines[1].unitPrice 339; found 340');
  });

  it('is wrong by one unit in the state of the view', () => {
    const state = stored().view!.state.replace('"quantity":6', '"quantity":7');
    const { differences } = reconcileOrder(EXPECTED, stored(created(), { state }));
    expect(differences[0]).to.equal('order view, state: expected lines[0].quantity 6; found 7');
  });

  it('is wrong where a source does not have it, or can not be read', () => {
    expect(reconcileOrder(EXPECTED, { ...stored(), view: undefined }).differences[0]).to.include(
      'order view: expected a row',
    );
    expect(reconcileOrder(EXPECTED, { ...stored(), created: '[{"type":"Nonsense"}]' }).differences[0]).to.include(
      'journal',
    );
    expect(reconcileOrder(EXPECTED, stored(created(), { state: '{}' })).differences[0]).to.include('order view, state');
  });

  it('does not show an address', () => {
    const shippingAddress = { ...created().shippingAddress, street: '2 Secret Street' };
    const { differences } = reconcileOrder(EXPECTED, stored({ ...created(), shippingAddress }));
    expect(differences[0]).to.include('journal: expected shippingAddress.street as recorded');
    expect(differences.join()).not.to.include('Secret');
  });
});
