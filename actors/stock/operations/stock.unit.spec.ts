import { expect } from 'chai';
import {
  orderBody,
  startEdge,
  type EdgeHarness,
  type TestReply,
  type TestRequest,
} from '../../../test/support/edge-harness.ts';
import { stockBatchResponse, stockResponse } from './responses.ts';

describe('stock', () => {
  let edge: EdgeHarness;
  beforeEach(async () => {
    edge = await startEdge();
  });
  afterEach(() => edge.close());

  const put = (productId: string, json: unknown, request: TestRequest = {}): Promise<TestReply> =>
    edge.send(`/api/v1/stock/${productId}`, { method: 'PUT', token: edge.tokens.admin, json, ...request });
  const get = (productId: string, token = edge.tokens.support): Promise<TestReply> =>
    edge.send(`/api/v1/stock/${productId}`, { token });
  const batch = (json: unknown, request: TestRequest = {}): Promise<TestReply> =>
    edge.send('/api/v1/stock/batch', { method: 'POST', token: edge.tokens.admin, json, ...request });
  const resultsOf = ({ body }: TestReply) =>
    body['results'] as {
      productId: string;
      status: number;
      stock?: { onHand: number };
      problem?: Record<string, unknown>;
    }[];

  it('is created by PUT and read by GET', async () => {
    const reply = await put('P1', { onHand: 5, lowStockThreshold: 2 });
    expect([reply.status, reply.body]).to.deep.equal([
      200,
      {
        productId: 'P1',
        onHand: 5,
        held: 0,
        available: 5,
        lowStockThreshold: 2,
        warehouses: [{ warehouseId: 'main', onHand: 5, held: 0, available: 5 }],
      },
    ]);
    expect((await get('P1')).body).to.deep.equal(reply.body);
    stockResponse.parse(reply.body);
  });

  it('loses its threshold by null, and keeps it where none is given', async () => {
    await put('P1', { onHand: 5, lowStockThreshold: 2 });
    expect((await put('P1', { onHand: 6 })).body).to.include({ onHand: 6, lowStockThreshold: 2 });
    expect((await put('P1', { onHand: 6, lowStockThreshold: null })).body).not.to.have.property('lowStockThreshold');
    expect((await get('P1')).body).not.to.have.property('lowStockThreshold');
    await batch({ items: [{ productId: 'P1', onHand: 6, lowStockThreshold: 1 }] });
    await batch({ items: [{ productId: 'P1', onHand: 6, lowStockThreshold: null }] });
    expect((await get('P1')).body).not.to.have.property('lowStockThreshold');
  });

  it('adds up over warehouses', async () => {
    await put('P1', { onHand: 5 });
    const { body } = await put('P1', { onHand: 7, warehouseId: 'north' });
    expect(body).to.include({ onHand: 12, available: 12 });
    expect(body['warehouses']).to.have.length(2);
  });

  it('can not be set below what is held', async () => {
    await put('P1', { onHand: 5 });
    await put('P2', { onHand: 5 });
    await edge.send('/api/v1/orders', { method: 'POST', json: orderBody(), headers: { prefer: 'wait=1' } });
    const reply = await put('P1', { onHand: 1 });
    expect([reply.status, reply.body['code'], reply.body['held']]).to.deep.equal([409, 'illegal_transition', 2]);
    expect((await put('P1', { onHand: 2 })).body).to.include({ onHand: 2, held: 2, available: 0 });
  });

  it('is set by admins, read by staff, and hidden from customers', async () => {
    await put('P1', { onHand: 5 });
    for (const token of [edge.tokens.alice, edge.tokens.support]) {
      expect((await put('P1', { onHand: 6 }, { token })).status).to.equal(403);
      expect((await batch({ items: [{ productId: 'P1', onHand: 6 }] }, { token })).status).to.equal(403);
    }
    expect((await get('P1', edge.tokens.alice)).status).to.equal(403);
    expect((await get('P1', edge.tokens.admin)).status).to.equal(200);
  });

  it('is 404 for a product that never had any', async () => {
    expect((await get('none')).status).to.equal(404);
  });

  const invalid: readonly unknown[] = [
    {},
    [],
    { onHand: -1 },
    { onHand: 0.5 },
    { onHand: '5' },
    { onHand: 1e12 + 1 },
    { onHand: 1, lowStockThreshold: -1 },
    { onHand: 1, warehouseId: '' },
    { onHand: 1, warehouseId: 'x'.repeat(65) },
    { onHand: 1, warehouseId: 'a\u0000' },
    { onHand: 1, held: 0 },
  ];
  for (const json of invalid) {
    it(`refuses ${JSON.stringify(json).slice(0, 50)}`, async () => {
      expect((await put('P1', json)).body['code']).to.equal('validation_failed');
      expect(
        (
          await batch({
            items: [
              { productId: 'P0', onHand: 1 },
              { productId: 'P1', ...(json as object) },
            ],
          })
        ).status,
      ).to.equal(400);
      expect((await get('P0')).status).to.equal(404);
    });
  }

  it('refuses a product id that can not be one', async () => {
    for (const id of ['%20', 'x'.repeat(65), '%00', '%ff', '%0A', '%E2%80%8B']) {
      expect((await put(id, { onHand: 1 })).status).to.equal(400);
      expect((await get(id)).status).to.equal(400);
    }
  });

  it('keeps an encoded slash within the product id', async () => {
    expect((await put('a%2Fb', { onHand: 1 })).body['productId']).to.equal('a/b');
    expect((await put('batch', { onHand: 1 })).body['productId']).to.equal('batch'); // although a path is called so
    expect((await get('batch')).body['onHand']).to.equal(1);
  });

  describe('with an Idempotency-Key', () => {
    const key = { headers: { 'idempotency-key': 's1' } };
    it('does not set again what was set under it', async () => {
      await put('P1', { onHand: 5 }, key);
      await put('P1', { onHand: 9 });
      const again = await put('P1', { onHand: 5 }, key);
      expect([again.status, again.headers.get('idempotent-replayed'), again.body['onHand']]).to.deep.equal([
        200,
        'true',
        9,
      ]);
      expect((await put('P1', { onHand: 6 }, key)).body['code']).to.equal('idempotency_mismatch');
      expect((await put('P2', { onHand: 6 }, key)).status).to.equal(200);
    });

    it('may be sent to the next owner of its shard; without a key it is not sent twice', async () => {
      await put('P1', { onHand: 5 }, key);
      await put('P1', { onHand: 9 });
      const settings = edge.actors.asks.filter(({ command }) => command?.type === 'SetStock');
      expect(settings.map(({ once }) => once)).to.deep.equal([undefined, true]);
    });

    it('completes a batch that broke off', async () => {
      const json = { items: ['A', 'B', 'C'].map((productId, onHand) => ({ productId, onHand })) };
      edge.actors.failNext('outcome_unknown', ({ to }) => to === 'stk_B');
      expect(resultsOf(await batch(json, key)).map(({ status }) => status)).to.deep.equal([200, 504, 200]);
      await put('A', { onHand: 50 });
      const again = resultsOf(await batch(json, key));
      expect(again.map(({ stock }) => stock?.onHand)).to.deep.equal([50, 1, 2]);
    });
  });

  describe('a key', () => {
    const key = { headers: { 'idempotency-key': 'k' } };
    const items = (...products: [string, number][]) => ({
      items: products.map(([productId, onHand]) => ({ productId, onHand })),
    });

    it('of a batch is refused to another batch, whether or not they share a product', async () => {
      await batch(items(['P1', 1], ['P2', 2]), key);
      for (const other of [
        items(['P3', 3]),
        items(['P1', 1]),
        items(['P2', 2], ['P1', 1]),
        items(['P1', 9], ['P2', 2]),
      ]) {
        const reply = await batch(other, key);
        expect([reply.status, reply.body['code']]).to.deep.equal([422, 'idempotency_mismatch']);
      }
      expect((await get('P3')).status).to.equal(404);
      expect((await get('P1')).body['onHand']).to.equal(1);
    });

    it('of a batch is no key of a PUT, nor the other way round', async () => {
      await batch(items(['P1', 1]), key);
      const reply = await put('P1', { onHand: 1 }, key);
      expect(reply.headers.has('idempotent-replayed')).to.equal(false);
      expect((await put('P1', { onHand: 1 }, key)).headers.get('idempotent-replayed')).to.equal('true');
      expect((await put('P1', { onHand: 7 }, key)).status).to.equal(422);
      expect((await put('P2', { onHand: 7 }, key)).body['onHand']).to.equal(7);
    });

    it('says of a batch that it was replayed only where it was sent before', async () => {
      const replayed = async () => (await batch(items(['P1', 1]), key)).headers.get('idempotent-replayed');
      expect([await replayed(), await replayed()]).to.deep.equal([null, 'true']);
    });

    it('binds what found its work done: the same again is a replay, another body is refused', async () => {
      await put('P1', { onHand: 5 });
      const replayed = async () => (await put('P1', { onHand: 5 }, key)).headers.get('idempotent-replayed');
      expect([await replayed(), await replayed()]).to.deep.equal([null, 'true']);
      expect((await put('P1', { onHand: 6 }, key)).status).to.equal(422);
    });

    it('does not make a replay of a batch of which something is applied only now', async () => {
      await put('P1', { onHand: 5 });
      const refused = await batch(items(['P1', 77]), { headers: { ...key.headers, 'if-none-match': '*' } });
      expect(resultsOf(refused).map(({ status }) => status)).to.deep.equal([412]);
      const applied = await batch(items(['P1', 77]), key);
      expect([resultsOf(applied)[0]?.status, applied.headers.has('idempotent-replayed')]).to.deep.equal([200, false]);
      expect((await batch(items(['P1', 77]), key)).headers.get('idempotent-replayed')).to.equal('true');
    });

    it('is not bound by a refused batch', async () => {
      expect((await batch({ items: [] }, key)).status).to.equal(400);
      expect((await batch(items(['P1', 1]), key)).status).to.equal(200);
    });
  });

  describe('in a batch', () => {
    it('gives a result per item, in their order; a refused one does not stop the others', async () => {
      await put('P1', { onHand: 5 });
      await put('P2', { onHand: 5 });
      await edge.send('/api/v1/orders', { method: 'POST', json: orderBody(), headers: { prefer: 'wait=1' } });
      const reply = await batch({
        items: [
          { productId: 'A', onHand: 3 },
          { productId: 'P1', onHand: 0 },
          { productId: 'B', onHand: 4 },
        ],
      });
      expect(reply.status).to.equal(200);
      stockBatchResponse.parse(reply.body);
      expect(resultsOf(reply).map(({ productId, status }) => [productId, status])).to.deep.equal([
        ['A', 200],
        ['P1', 409],
        ['B', 200],
      ]);
      expect(resultsOf(reply)[1]?.problem).to.include({
        code: 'illegal_transition',
        held: 2,
        instance: '/api/v1/stock/P1',
      });
    });

    it('takes 5,000 items and not more; the later of two wins', async () => {
      const items = Array.from({ length: 5000 }, (_, n) => ({ productId: `B${n % 4999}`, onHand: n }));
      const reply = await batch({ items });
      expect(resultsOf(reply)).to.have.length(5000);
      expect((await get('B0')).body['onHand']).to.equal(4999);
      expect((await batch({ items: [...items, { productId: 'x', onHand: 1 }] })).status).to.equal(400);
      expect((await batch({ items: [] })).status).to.equal(400);
    });

    it('answers 503 when nothing at all was applied', async () => {
      edge.actors.failNext('overloaded');
      edge.actors.failNext('unavailable');
      const reply = await batch({
        items: [
          { productId: 'A', onHand: 3 },
          { productId: 'B', onHand: 3 },
        ],
      });
      expect([reply.status, reply.body['code']]).to.deep.equal([503, 'unavailable']);
      expect(reply.headers.has('retry-after')).to.equal(true);
    });
  });
});
