import { expect } from 'chai';
import { orderBody, startEdge, type EdgeHarness, type TestReply } from '../../../test/support/edge-harness.ts';
import { orderEventsResponse } from './responses.ts';
import type { HistoryEntry } from './order-history.ts';

describe('the history of an order', () => {
  let edge: EdgeHarness;
  beforeEach(async () => {
    edge = await startEdge();
    const items = ['P1', 'P2'].map((productId) => ({ productId, onHand: 100 }));
    await edge.send('/api/v1/stock/batch', { method: 'POST', token: edge.tokens.admin, json: { items } });
  });
  afterEach(() => edge.close());

  async function placed(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const headers = { prefer: 'wait=5', 'request-id': 'r-place' };
    const reply = await edge.send('/api/v1/orders', { method: 'POST', json: orderBody(changes), headers });
    return reply.headers.get('location') ?? '';
  }
  const entriesOf = ({ body }: TestReply) => body['data'] as readonly HistoryEntry[];
  const events = (path: string, query = '', token = edge.tokens.alice) =>
    edge.send(`${path}/events${query}`, { token });

  it('tells its owner what happened, by public names, with rising numbers', async () => {
    const path = await placed();
    const reply = await events(path);
    orderEventsResponse.parse(reply.body);
    expect(reply.body).to.include({ hasMore: false, nextCursor: null });
    expect(entriesOf(reply).map(({ seq, type }) => [seq, type])).to.deep.equal([
      [100, 'order.created.v1'],
      [200, 'order.payment-pending.v1'],
      [300, 'payment.authorized.v1'],
      [301, 'order.confirmed.v1'],
      [400, 'payment.captured.v1'],
    ]);
    expect(entriesOf(reply)[2]).to.deep.include({ at: '2026-01-15T12:00:00.000Z' });
    expect(entriesOf(reply)[2]?.data).to.deep.include({ amount: { amount: 610, currency: 'GBP' } });
  });

  it('shows to staff who did it, by which request; what the order does itself is a step', async () => {
    const path = await placed();
    const headers = { 'request-id': 'r-cancel' };
    const json = { reason: 'r' };
    await edge.send(`${path}/cancel`, { method: 'POST', token: edge.tokens.support, json, headers });
    const reply = await events(path, '', edge.tokens.support);
    orderEventsResponse.parse(reply.body);
    const byOf = (type: string) => entriesOf(reply).find((entry) => entry.type === type)?.by;
    const http = { channel: 'http' };
    expect(byOf('order.created.v1')).to.deep.equal({ ...http, who: 'alice', role: 'customer', requestId: 'r-place' });
    const cancelled = { ...http, who: 'sam', role: 'support', requestId: 'r-cancel' };
    expect(byOf('order.cancellation-requested.v1')).to.deep.equal(cancelled);
    for (const type of ['order.payment-pending.v1', 'payment.refunded.v1', 'order.cancelled.v1'])
      expect(byOf(type), type).to.deep.equal({ channel: 'step' });
    for (const entry of entriesOf(await events(path))) expect(entry).not.to.have.property('by');
  });

  it('names the sender and the id of a message', async () => {
    const body = orderBody({ customerId: 'alice' });
    const sender = { kind: 'user', name: 'shop' } as const;
    const message = { routingKey: 'order.place.v1', body, sender, messageId: 'm-1', onBehalfOf: 'carol' } as const;
    const outcome = (await edge.edge.commands.perform(message)) as unknown as {
      answer: { order: { orderId: string } };
    };
    const { orderId } = outcome.answer.order;
    const [created] = entriesOf(await events(`/api/v1/orders/${orderId}`, '', edge.tokens.admin));
    const by = { channel: 'message', who: 'shop', issuer: 'amqp', requestId: 'm-1', onBehalfOf: 'carol' };
    expect(created?.by).to.deep.equal(by);
  });

  for (const [name, changes, types] of [
    ['a shortage', { orderLines: [line('P1', 101)] }, ['inventory.unavailable.v1', 'order.cancelled.v1']],
    ['a decline', { paymentMethod: { type: 'card', token: 'tok_decline' } }, ['payment.declined.v1']],
    [
      'a refused capture',
      { paymentMethod: { type: 'card', token: 'tok_capture_fail' } },
      ['payment.capture-failed.v1'],
    ],
  ] as const) {
    it(`tells of ${name}, and shows no token and no address`, async () => {
      const reply = await events(await placed(changes), '', edge.tokens.admin);
      orderEventsResponse.parse(reply.body);
      expect(entriesOf(reply).map(({ type }) => type)).to.include.members([...types]);
      expect(reply.text).not.to.match(/tok_|High Street|LS1/);
    });
  }

  it('comes a page at a time, complete, each entry once, also where one row has two', async () => {
    const path = await placed();
    await edge.send(path, { method: 'DELETE' });
    const whole = entriesOf(await events(path, '?limit=100')).map(({ seq }) => seq);
    for (const limit of [1, 2, 3]) {
      const seen: number[] = [];
      let next: string | null = `?limit=${limit}`;
      while (next !== null) {
        const reply = await events(path, next);
        const page = entriesOf(reply);
        expect(page.length).to.be.at.most(limit);
        seen.push(...page.map(({ seq }) => seq));
        const cursor = reply.body['nextCursor'] as string | null;
        expect(reply.headers.get('link') !== null).to.equal(cursor !== null);
        next = cursor === null ? null : `?limit=${limit}&cursor=${cursor}`;
      }
      expect(seen, `limit ${limit}`).to.deep.equal(whole);
    }
    expect(whole).to.deep.equal([...whole].sort((a, b) => a - b));
  });

  it('does not exist for others; a cursor of another order, or none at all, is refused', async () => {
    const path = await placed();
    expect((await events(path, '', edge.tokens.bob)).status).to.equal(404);
    const other = (await events(await placed(), '?limit=1')).body['nextCursor'] as string;
    const made = Buffer.from('99999999999999.000000000000').toString('base64url');
    for (const cursor of [other, made, 'x', '%00']) {
      expect((await events(path, `?cursor=${cursor}`)).status, cursor).to.equal(400);
    }
    for (const limit of ['0', '101', 'x']) expect((await events(path, `?limit=${limit}`)).status).to.equal(400);
  });

  it('hides what only bound a key', async () => {
    const path = await placed();
    const cancel = (key: string) => edge.send(path, { method: 'DELETE', headers: { 'idempotency-key': key } });
    await cancel('a');
    const before = entriesOf(await events(path));
    await cancel('b');
    expect(entriesOf(await events(path))).to.deep.equal(before);
  });
});

function line(productId: string, quantity: number) {
  return { productId, quantity, unitPrice: { amount: 255, currency: 'GBP' } };
}
