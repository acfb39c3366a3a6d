import { expect } from 'chai';
import {
  orderBody,
  startEdge,
  type EdgeHarness,
  type TestReply,
  type TestRequest,
} from '../../../test/support/edge-harness.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('POST /api/v1/orders and the actors behind it', () => {
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
  const isPlacing = ({ commandId }: { readonly commandId: string }): boolean => commandId === 'place';

  describe('when the actors fail', () => {
    it('answers 503 with Retry-After when nothing was applied', async () => {
      for (const code of ['overloaded', 'unavailable'] as const) {
        edge.actors.failNext(code, isPlacing);
        const reply = await place();
        expect([reply.status, reply.body['code'], reply.body['retryable']]).to.deep.equal([503, code, true]);
        expect(Number(reply.headers.get('retry-after'))).to.be.at.least(1);
      }
    });

    it('asks again when an answer is lost, and makes no second order', async () => {
      for (const request of [{}, withKey('k'), wait]) {
        edge.actors.loseNextAnswer(isPlacing);
        const reply = await place({}, request);
        expect(reply.status).to.equal(201);
        expect(reply.headers.has('idempotent-replayed')).to.equal(false);
      }
      const list = await edge.send('/api/v1/orders');
      expect(list.body['data']).to.have.length(3);
    });

    it('answers 504 with the order id when the outcome stays unknown; retryable only under a key', async () => {
      const failTwice = (): void => {
        edge.actors.failNext('outcome_unknown', isPlacing);
        edge.actors.failNext('unavailable', isPlacing);
      };
      failTwice();
      const bare = await place();
      expect(bare.status).to.equal(504);
      expect(bare.body).to.include({ code: 'outcome_unknown', retryable: false });
      expect(bare.body['orderId']).to.match(UUID);
      expect(bare.headers.has('retry-after')).to.equal(false);
      failTwice();
      const keyed = await place({}, withKey('k'));
      expect(keyed.body).to.include({ code: 'outcome_unknown', retryable: true });
      expect(Number(keyed.headers.get('retry-after'))).to.be.at.least(1);
      expect((await place({}, withKey('k'))).body['orderId']).to.equal(keyed.body['orderId']);
    });

    it('promises nothing about an order whose record can not be read', async () => {
      edge.actors.failNext('quarantined', isPlacing);
      const reply = await place({}, withKey('k'));
      expect([reply.status, reply.body['code']]).to.deep.equal([503, 'unavailable']);
      expect(reply.body['detail']).not.to.include('nothing was applied');
      expect(reply.headers.has('retry-after')).to.equal(true);
    });

    it('applies nothing when a product can not be asked', async () => {
      edge.actors.failNext('unavailable', ({ to }) => to === 'stk_P3');
      const line = { productId: 'P3', quantity: 1, unitPrice: { amount: 1, currency: 'GBP' } };
      const reply = await place({ orderLines: [line] });
      expect([reply.status, reply.body['code']]).to.deep.equal([503, 'unavailable']);
      expect(edge.actors.asks.some(isPlacing)).to.equal(false);
    });
  });

  describe('products', () => {
    it('names every line whose product never had stock', async () => {
      const price = { amount: 1, currency: 'GBP' };
      const lines = ['P1', 'p1', 'P2', 'none'].map((productId) => ({ productId, quantity: 1, unitPrice: price }));
      const reply = await place({ orderLines: lines });
      expect([reply.status, reply.body['code']]).to.deep.equal([422, 'unknown_product']);
      const errors = reply.body['errors'] as { pointer: string }[];
      expect(errors.map(({ pointer }) => pointer)).to.deep.equal([
        '/orderLines/1/productId',
        '/orderLines/3/productId',
      ]);
    });

    it('asks about a product until it is known, then never again', async () => {
      const line = { productId: 'P3', quantity: 1, unitPrice: { amount: 1, currency: 'GBP' } };
      expect((await place({ orderLines: [line] })).status).to.equal(422);
      await edge.actors.ask({
        to: 'stk_P3',
        command: { type: 'SetStock', warehouseId: 'main', onHand: 9 } as never,
        commandId: 'elsewhere',
        until: 'durable',
        timeoutMs: 1,
      });
      expect((await place({ orderLines: [line] })).status).to.equal(201);
      expect((await place({ orderLines: [line] })).status).to.equal(201);
      const reads = edge.actors.asks.filter(({ to, command }) => to === 'stk_P3' && command === undefined);
      expect(reads).to.have.length(2);
    });
  });
});
