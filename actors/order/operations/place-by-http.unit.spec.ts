import { expect } from 'chai';
import {
  orderBody,
  startEdge,
  type EdgeHarness,
  type TestReply,
  type TestRequest,
} from '../../../test/support/edge-harness.ts';
import { canonicalJson } from '../../../kernel/canonical-json.ts';
import { parsePlaceOrder } from './requests.ts';
import { orderResponse } from './responses.ts';
import { canonicalBody } from './order-terms.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('POST /api/v1/orders', () => {
  let edge: EdgeHarness;

  beforeEach(async () => {
    edge = await startEdge();
    const items = [
      { productId: 'P1', onHand: 100 },
      { productId: 'P2', onHand: 100 },
    ];
    await edge.send('/api/v1/stock/batch', { method: 'POST', token: edge.tokens.admin, json: { items } });
  });
  afterEach(() => edge.close());

  const place = (changes: Readonly<Record<string, unknown>> = {}, request: TestRequest = {}): Promise<TestReply> =>
    edge.send('/api/v1/orders', { method: 'POST', json: orderBody(changes), ...request });
  const withKey = (key: string): TestRequest => ({ headers: { 'idempotency-key': key } });
  const wait = { headers: { prefer: 'wait=5' } };

  it('answers 201 as soon as the order is durable, with its address and tag', async () => {
    const reply = await place();
    expect(reply.status).to.equal(201);
    expect(reply.body).to.include({ status: 'Created', version: 1, customerId: 'alice' });
    expect(reply.body['orderId']).to.match(UUID);
    expect(reply.headers.get('location')).to.equal(`/api/v1/orders/${String(reply.body['orderId'])}`);
    expect(reply.headers.get('etag')).to.equal('"v1"');
    expect(reply.headers.has('preference-applied')).to.equal(false);
    expect(reply.headers.has('idempotent-replayed')).to.equal(false);
  });

  it('answers in exactly the form of the contract', async () => {
    for (const reply of [
      await place(),
      await place({}, wait),
      await place({ paymentMethod: { type: 'card', token: 'tok_decline' } }, wait),
    ]) {
      orderResponse.parse(reply.body);
    }
    const { body } = await place({ confirmation: 'manual', externalReference: 'ref 1' }, wait);
    const orderId = String(body['orderId']);
    expect(body).to.deep.equal({
      orderId,
      orderNumber: body['orderNumber'],
      customerId: 'alice',
      status: 'PaymentAuthorized',
      version: 3,
      totalAmount: { amount: 610, currency: 'GBP' },
      orderLines: orderBody()['orderLines'],
      shippingAddress: orderBody()['shippingAddress'],
      payment: {
        paymentId: `pay_${orderId}`,
        status: 'Authorized',
        authorized: { amount: 610, currency: 'GBP' },
        captured: { amount: 0, currency: 'GBP' },
        refunded: { amount: 0, currency: 'GBP' },
      },
      reservation: { reservationId: `res_${orderId}`, status: 'Held', expiresAt: '2026-01-15T12:15:00.000Z' },
      shipments: [],
      returns: [],
      createdAt: '2026-01-15T12:00:00.000Z',
      updatedAt: '2026-01-15T12:00:00.000Z',
      allowedTransitions: ['Confirmed', 'Cancelled'],
      externalReference: 'ref 1',
    });
  });

  it('never shows or logs the payment token', async () => {
    const { text } = await place({ paymentMethod: { type: 'card', token: 'tok_very_secret' } }, wait);
    expect(text + edge.logged.join('')).not.to.include('tok_very_secret');
  });

  describe('with Prefer: wait', () => {
    it('answers once the order has settled', async () => {
      const reply = await place({}, wait);
      expect(reply.status).to.equal(201);
      expect(reply.body).to.include({ status: 'Confirmed', version: 4 });
      expect(reply.headers.get('preference-applied')).to.equal('wait=5');
    });

    it('answers 201 also for an order that settles as Cancelled', async () => {
      const short = await place(
        { orderLines: [{ productId: 'P1', quantity: 101, unitPrice: { amount: 1, currency: 'GBP' } }] },
        wait,
      );
      expect([short.status, short.body['status']]).to.deep.equal([201, 'Cancelled']);
      expect(short.body['cancellation']).to.include({ code: 'insufficient_inventory' });
      const declined = await place({ paymentMethod: { type: 'card', token: 'tok_decline' } }, wait);
      expect(declined.body['cancellation']).to.include({ code: 'payment_declined' });
      const uncaptured = await place({ paymentMethod: { type: 'card', token: 'tok_capture_fail' } }, wait);
      expect(uncaptured.body['cancellation']).to.include({ code: 'payment_capture_failed' });
    });

    it('answers with the order as it is when the wait ends first', async () => {
      edge.actors.providerIsSilent = true;
      const reply = await place({}, { headers: { prefer: 'wait=1', 'idempotency-key': 'k' } });
      expect([reply.status, reply.body['status']]).to.deep.equal([201, 'PaymentPending']);
      expect(reply.headers.get('preference-applied')).to.equal('wait=1');
      expect(reply.headers.has('idempotent-replayed')).to.equal(false);
    });
  });

  describe('with an Idempotency-Key', () => {
    it('answers a repetition with the same order, and says so', async () => {
      const first = await place({}, withKey('k1'));
      const again = await place({}, withKey('k1'));
      expect(again.status).to.equal(201);
      expect(again.body['orderId']).to.equal(first.body['orderId']);
      expect(again.headers.get('location')).to.equal(first.headers.get('location'));
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body['status']).to.equal('Confirmed'); // as it is now
    });

    it('takes a body as the same whatever the order of its members and with defaults written out', async () => {
      await place({}, withKey('k1'));
      const { shippingAddress, ...rest } = orderBody();
      const same = {
        customerId: 'alice',
        confirmation: 'automatic',
        shippingAddress,
        billingAddress: shippingAddress,
        ...rest,
      };
      const again = await edge.send('/api/v1/orders', { method: 'POST', json: same, ...withKey('k1') });
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
    });

    it('refuses the key for another body', async () => {
      await place({}, withKey('k1'));
      const other = await place({ externalReference: 'other' }, withKey('k1'));
      expect([other.status, other.body['code']]).to.deep.equal([422, 'idempotency_mismatch']);
    });

    it('makes one order of many twins at once', async () => {
      const replies = await Promise.all(Array.from({ length: 20 }, () => place({}, withKey('twin'))));
      expect(new Set(replies.map(({ body }) => body['orderId'])).size).to.equal(1);
      expect(replies.filter(({ headers }) => headers.get('idempotent-replayed') === null)).to.have.length(1);
    });

    it('keeps the keys of different callers apart', async () => {
      const alices = await place({}, withKey('k1'));
      const bobs = await place({}, { ...withKey('k1'), token: edge.tokens.bob });
      expect(bobs.status).to.equal(201);
      expect(bobs.body['orderId']).not.to.equal(alices.body['orderId']);
    });

    it('binds no key by a refused command', async () => {
      const line = { productId: 'new', quantity: 1, unitPrice: { amount: 1, currency: 'GBP' } };
      const refused = await place({ orderLines: [line] }, withKey('k1'));
      expect([refused.status, refused.body['code']]).to.deep.equal([422, 'unknown_product']);
      expect((await place({}, withKey('k1'))).status).to.equal(201);
    });

    it('recognises a known key also while stock can not be asked', async () => {
      const fresh = await startEdge();
      await fresh.send('/api/v1/stock/P1', { method: 'PUT', token: fresh.tokens.admin, json: { onHand: 9 } });
      await fresh.send('/api/v1/stock/P2', { method: 'PUT', token: fresh.tokens.admin, json: { onHand: 9 } });
      const request = { method: 'POST', json: orderBody(), ...withKey('k1') };
      const first = await fresh.send('/api/v1/orders', request);
      const other = await startEdge({ actors: fresh.actors }); // knows no product yet
      for (let n = 0; n < 2; n++) fresh.actors.failNext('unavailable', ({ to }) => to.startsWith('stk_'));
      const again = await other.send('/api/v1/orders', request);
      expect([again.status, again.body['orderId']]).to.deep.equal([201, first.body['orderId']]);
      await Promise.all([fresh.close(), other.close()]);
    });
  });

  describe('roles', () => {
    it('lets staff place an order for a customer, and say when', async () => {
      const reply = await place(
        { customerId: 'carol', placedAt: '2010-12-01T08:26:00' },
        { token: edge.tokens.support },
      );
      expect(reply.status).to.equal(201);
      expect(reply.body).to.include({ customerId: 'carol', placedAt: '2010-12-01T08:26:00' });
    });
    it('forbids both to a customer, except its own name', async () => {
      expect((await place({ customerId: 'bob' })).body['code']).to.equal('forbidden');
      expect((await place({ placedAt: '2010-12-01T08:26:00' })).body['code']).to.equal('forbidden');
      expect((await place({ customerId: 'alice' })).status).to.equal(201);
    });
  });

  it('hashes a canonical body: sorted keys, defaults applied', () => {
    const full = orderBody({
      externalReference: 'r',
      placedAt: '2010-12-01',
      confirmation: 'manual',
      billingAddress: { country: 'DE', street: 's', state: 'x', city: 'c', postalCode: 'p' },
    });
    for (const body of [full, orderBody()]) {
      const request = parsePlaceOrder(body);
      const billingAddress = request.billingAddress ?? request.shippingAddress;
      expect(canonicalBody(request, 'alice')).to.equal(
        canonicalJson({ ...request, billingAddress, customerId: 'alice' }),
      );
    }
  });
});
