import { expect } from 'chai';
import { orderBody, startEdge, type EdgeHarness, type TestReply } from '../../../test/support/edge-harness.ts';
import { orderPageResponse } from './responses.ts';
import { encodeCursor } from './order-cursor.ts';

describe('lists of orders', () => {
  let edge: EdgeHarness;
  const ids: string[] = [];

  before(async () => {
    edge = await startEdge();
    for (const productId of ['P1', 'P2']) {
      await edge.send(`/api/v1/stock/${productId}`, { method: 'PUT', token: edge.tokens.admin, json: { onHand: 100 } });
    }
    // Twelve a minute apart, the last ones at the same moment: eight of alice, four of bob.
    for (let n = 0; n < 12; n++) {
      if (n < 10) edge.clock.advance(60_000);
      const token = n % 3 === 2 ? edge.tokens.bob : edge.tokens.alice;
      const json = orderBody(n === 0 ? { paymentMethod: { type: 'card', token: 'tok_decline' } } : {});
      const reply = await edge.send('/api/v1/orders', { method: 'POST', json, token });
      ids.push(String(reply.body['orderId']));
    }
  });
  after(() => edge.close());

  const list = (query: string, token = edge.tokens.admin): Promise<TestReply> =>
    edge.send(`/api/v1/orders${query}`, { token });
  const dataOf = ({ body }: TestReply) =>
    body['data'] as { orderId: string; customerId: string; status: string; createdAt: string }[];

  it('shows all to staff, newest first, in the form of the contract', async () => {
    const reply = await list('');
    orderPageResponse.parse(reply.body);
    expect(dataOf(reply)).to.have.length(12);
    const moments = dataOf(reply).map(({ createdAt }) => createdAt);
    expect(moments).to.deep.equal([...moments].sort().reverse());
    expect(reply.body).to.include({ hasMore: false, nextCursor: null });
    expect(reply.headers.has('link')).to.equal(false);
  });

  it('shows a customer its own', async () => {
    const reply = await list('', edge.tokens.bob);
    expect(dataOf(reply).map(({ customerId }) => customerId)).to.deep.equal(Array.from({ length: 4 }, () => 'bob'));
    expect(dataOf(await list('?customerId=bob', edge.tokens.bob))).to.have.length(4);
    expect((await list('?customerId=alice', edge.tokens.bob)).body['code']).to.equal('forbidden');
  });

  it('pages through everything once, by cursor or by Link', async () => {
    for (const path of ['/api/v1/orders?limit=5', '/api/v1/orders/customer/alice?limit=3&status=Confirmed']) {
      const seen: string[] = [];
      let next: string | undefined = path;
      while (next !== undefined) {
        const reply = await edge.send(next, { token: edge.tokens.support });
        expect(reply.status).to.equal(200);
        seen.push(...dataOf(reply).map(({ orderId }) => orderId));
        const cursor = reply.body['nextCursor'];
        const link = /^<(.+)>; rel="next"$/.exec(reply.headers.get('link') ?? '')?.[1];
        expect(link === undefined).to.equal(cursor === null);
        expect(reply.body['hasMore']).to.equal(cursor !== null);
        if (link !== undefined) expect(new URL(link, 'http://x').searchParams.get('cursor')).to.equal(cursor);
        next = link;
      }
      expect(seen).to.have.length(path.includes('alice') ? 7 : 12);
      expect(new Set(seen).size).to.equal(seen.length);
    }
  });

  it('filters by status, customer and time; from counts, to does not', async () => {
    expect(dataOf(await list('?status=Cancelled')).map(({ orderId }) => orderId)).to.deep.equal([ids[0]]);
    expect(dataOf(await list('?customerId=bob&status=Confirmed'))).to.have.length(4);
    expect(dataOf(await list('?from=2026-01-15T12:02:00Z&to=2026-01-15T12:04:00Z'))).to.have.length(2);
    expect(dataOf(await list('?from=2026-01-15T13:02:00%2B01:00&to=2026-01-15T12:04:00Z'))).to.have.length(2);
    expect(dataOf(await list('?from=2026-01-16'))).to.have.length(0);
    expect(dataOf(await edge.send('/api/v1/orders/customer/nobody', { token: edge.tokens.admin }))).to.have.length(0);
  });

  it("is forbidden for somebody else's list", async () => {
    expect((await edge.send('/api/v1/orders/customer/alice', { token: edge.tokens.bob })).status).to.equal(403);
    expect((await edge.send('/api/v1/orders/customer/bob', { token: edge.tokens.bob })).status).to.equal(200);
  });

  const bad: readonly (readonly [string, string])[] = [
    ['?limit=0', '/limit'],
    ['?limit=101', '/limit'],
    ['?limit=-1', '/limit'],
    ['?limit=1.5', '/limit'],
    ['?limit=many', '/limit'],
    ['?status=Lost', '/status'],
    ['?status=confirmed', '/status'],
    ['?from=yesterday', '/from'],
    ['?from=2026-02-30', '/from'],
    ['?from=2026-02-02&to=2026-02-01', '/to'],
    ['?status=Created&status=Cancelled', '/status'],
    ['?productId=P1', '/productId'],
    ['?page=2', '/page'],
    ['?customerId=%00', ''],
    ['?customerId=%ff', ''],
    ['?customerId=%', ''],
    ['?from=9999-12-31T23:59:59-14:00', '/from'],
    ['?cursor=x', '/cursor'],
    ['?cursor=W10', '/cursor'],
    [`?cursor=${'x'.repeat(300)}`, '/cursor'],
  ];
  for (const [query, pointer] of bad) {
    it(`refuses ${query.slice(0, 40)}`, async () => {
      const reply = await list(query);
      expect([reply.status, reply.body['code']]).to.deep.equal([400, 'validation_failed']);
      expect((reply.body['errors'] as { pointer: string }[])[0]?.pointer).to.equal(pointer);
    });
  }

  it('ends a page at about a megabyte, with more to come', async () => {
    const token = edge.tokens.support;
    const price = { amount: 1, currency: 'GBP' };
    const orderLines = Array.from({ length: 2_000 }, () => ({ productId: 'P1', quantity: 1, unitPrice: price }));
    const json = orderBody({ customerId: 'large', orderLines });
    for (let placed = 0; placed < 6; placed++) {
      expect((await edge.send('/api/v1/orders', { method: 'POST', token, json })).status).to.equal(201);
    }
    const first = await edge.send('/api/v1/orders?customerId=large&limit=100', { token });
    expect(first.text.length).to.be.below(1_400_000);
    expect([(first.body['data'] as unknown[]).length, first.body['hasMore']]).to.deep.equal([4, true]);
    expect(first.headers.get('link')).to.include('rel="next"');
    const cursor = String(first.body['nextCursor']);
    const second = await edge.send(`/api/v1/orders?customerId=large&limit=100&cursor=${cursor}`, { token });
    expect([(second.body['data'] as unknown[]).length, second.body['hasMore']]).to.deep.equal([2, false]);
  });

  it('names the range of a limit that is outside of it, and the type of what is no number', async () => {
    const said: readonly (readonly [string, RegExp])[] = [
      ['-1', /at least 1/],
      ['0', /at least 1/],
      ['101', /at most 100/],
      ['99999999999', /at most 100/],
      ['1.5', /whole number/],
      ['many', /a number/],
      ['1e2', /a number/],
      ['0x10', /a number/],
    ];
    for (const [limit, detail] of said) expect((await list(`?limit=${limit}`)).body['detail'], limit).to.match(detail);
  });

  it('refuses a cursor that was changed, or belongs to another list', async () => {
    const cursor = String((await list('?limit=2')).body['nextCursor']);
    expect((await list(`?limit=7&cursor=${cursor}`)).status).to.equal(200);
    expect((await list(`?status=Confirmed&cursor=${cursor}`)).status).to.equal(400);
    const fields = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    for (const changed of [
      [0, fields[1], fields[2]],
      [fields[0], ids[0], fields[2]],
      fields.slice(0, 2),
      { ...fields },
    ]) {
      const tampered = Buffer.from(JSON.stringify(changed)).toString('base64url');
      expect((await list(`?cursor=${tampered}`)).status).to.equal(400);
    }
  });

  it('refuses a cursor whose check is right and whose moment the database can’t hold', async () => {
    for (const createdAt of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 9e15, -1e14]) {
      const cursor = encodeCursor({ createdAt, orderId: ids[0]! }, JSON.stringify([null, null, null, null]));
      const reply = await list(`?cursor=${cursor}`);
      expect([reply.status, reply.body['code']]).to.deep.equal([400, 'validation_failed']);
    }
    const oldest = encodeCursor({ createdAt: 0, orderId: ids[0]! }, JSON.stringify([null, null, null, null]));
    expect((await list(`?cursor=${oldest}`)).status).to.equal(200);
  });

  it('speaks of the query and of the path, not of a body, where there is none', async () => {
    for (const query of ['?customerId=%ff', '?page=2&x=%']) {
      expect((await list(query)).body['detail']).to.match(/^The query is not well-formed/);
    }
    const path = await edge.send('/api/v1/orders/customer/%20a', { token: edge.tokens.admin });
    expect(path.body['detail']).to.match(/^"\/customerId" must have 1 to 200 printable characters/);
    expect((await edge.send('/api/v1/orders/%ff')).body['detail']).to.match(/^The path is not well-formed/);
  });

  it('answers 503 while the view can not be read', async () => {
    const other = await startEdge({ views: { list: () => Promise.reject(new Error('no database')) } });
    const reply = await other.send('/api/v1/orders');
    expect([reply.status, reply.body['code']]).to.deep.equal([503, 'unavailable']);
    expect(reply.text).not.to.include('no database');
    await other.close();
  });
});
