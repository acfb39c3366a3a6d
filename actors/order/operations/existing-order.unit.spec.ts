import { expect } from 'chai';
import { orderBody, startEdge, type EdgeHarness, type TestReply } from '../../../test/support/edge-harness.ts';

const ABSENT = '019bc186-de00-7a9a-b202-e3cce335a4d4';

describe('an existing order', () => {
  let edge: EdgeHarness;
  beforeEach(async () => {
    edge = await startEdge();
    for (const productId of ['P1', 'P2']) {
      await edge.send(`/api/v1/stock/${productId}`, { method: 'PUT', token: edge.tokens.admin, json: { onHand: 100 } });
    }
  });
  afterEach(() => edge.close());

  /** An order of alice, at rest. @returns its path. */
  async function placed(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const request = { method: 'POST', json: orderBody(changes), headers: { prefer: 'wait=5' } };
    return (await edge.send('/api/v1/orders', request)).headers.get('location') ?? '';
  }
  const manual = { confirmation: 'manual' };
  const available = async (): Promise<unknown> =>
    (await edge.send('/api/v1/stock/P1', { token: edge.tokens.support })).body['available'];

  describe('GET', () => {
    it('shows it with its tag, and answers 304 while the tag holds', async () => {
      const path = await placed();
      const reply = await edge.send(path);
      expect([reply.status, reply.body['status'], reply.headers.get('etag')]).to.deep.equal([200, 'Confirmed', '"v4"']);
      expect(reply.headers.get('cache-control')).to.equal('private, no-cache');
      const unchanged = await edge.send(path, { headers: { 'if-none-match': '"v4"' } });
      expect([unchanged.status, unchanged.text, unchanged.headers.get('etag')]).to.deep.equal([304, '', '"v4"']);
      expect((await edge.send(path, { headers: { 'if-none-match': '"v3"' } })).status).to.equal(200);
    });

    it('shows it to its owner and to staff; to others it does not exist', async () => {
      const path = await placed();
      expect((await edge.send(path, { token: edge.tokens.support })).status).to.equal(200);
      expect((await edge.send(path, { token: edge.tokens.admin })).status).to.equal(200);
      const bobs = await edge.send(path, { token: edge.tokens.bob });
      const nobodys = await edge.send(`/api/v1/orders/${ABSENT}`, { token: edge.tokens.bob });
      expect([bobs.status, bobs.body['detail']]).to.deep.equal([404, nobodys.body['detail']]);
    });

    it('answers 404 to what can not be an id', async () => {
      for (const id of ['x', '1', ABSENT.slice(1), `${ABSENT}0`, '%F0%9F%98%80']) {
        expect((await edge.send(`/api/v1/orders/${id}`)).status).to.equal(404);
      }
    });

    it('answers HEAD like GET, without a body', async () => {
      const reply = await edge.send(await placed(), { method: 'HEAD' });
      expect([reply.status, reply.text, reply.headers.get('etag')]).to.deep.equal([200, '', '"v4"']);
      expect(Number(reply.headers.get('content-length'))).to.be.greaterThan(500);
    });

    it('answers 503, never 504, when the order can not be asked', async () => {
      const path = await placed();
      for (const code of ['unavailable', 'outcome_unknown', 'overloaded'] as const) {
        edge.actors.failNext(code);
        const reply = await edge.send(path);
        expect(reply.status).to.equal(503);
        expect(reply.headers.has('retry-after')).to.equal(true);
      }
    });
  });

  describe('cancel', () => {
    const cancel = (
      path: string,
      token = edge.tokens.alice,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<TestReply> =>
      edge.send(`${path}/cancel`, { method: 'POST', json: { reason: 'changed my mind' }, token, headers });

    it('under a new key binds that key, though it finds its work done', async () => {
      const path = await placed();
      await cancel(path, edge.tokens.alice, { 'idempotency-key': 'a' });
      const key = { 'idempotency-key': 'b' };
      const second = await cancel(path, edge.tokens.alice, key);
      expect([second.status, second.headers.has('idempotent-replayed')]).to.deep.equal([200, false]);
      expect((await cancel(path, edge.tokens.alice, key)).headers.get('idempotent-replayed')).to.equal('true');
      const other = { method: 'POST', json: { reason: 'another' }, headers: key };
      const third = await edge.send(`${path}/cancel`, other);
      expect([third.status, third.body['code']]).to.deep.equal([422, 'idempotency_mismatch']);
      expect((await edge.send(path, { method: 'DELETE', headers: key })).headers.has('idempotent-replayed')).to.equal(
        false,
      );
    });

    it('answers 200 with all compensated, and the same again', async () => {
      const path = await placed();
      expect(await available()).to.equal(98);
      const first = await cancel(path);
      expect([first.status, first.body['status']]).to.deep.equal([200, 'Cancelled']);
      expect(first.body['cancellation']).to.deep.equal({ code: 'requested', reason: 'changed my mind' });
      expect(first.body['payment']).to.deep.include({ status: 'Refunded', refunded: { amount: 610, currency: 'GBP' } });
      expect(await available()).to.equal(100);
      const again = await cancel(path);
      expect([again.status, again.body]).to.deep.equal([200, first.body]);
    });

    it('answers 202 while compensating, then 200', async () => {
      const path = await placed();
      edge.actors.providerIsSilent = true;
      const pending = await cancel(path);
      expect([pending.status, pending.body['status']]).to.deep.equal([202, 'CancellationPending']);
      expect((await cancel(path)).status).to.equal(202);
      edge.actors.resumeProvider();
      expect((await cancel(path)).status).to.equal(200);
    });

    it('is what DELETE does', async () => {
      const path = await placed(manual);
      const reply = await edge.send(path, { method: 'DELETE' });
      expect([reply.status, reply.body['status']]).to.deep.equal([200, 'Cancelled']);
      expect(reply.body['payment']).to.include({ status: 'Voided' });
      expect((await edge.send(path, { method: 'DELETE' })).status).to.equal(200);
    });

    it('is for the owner and staff; to others the order does not exist', async () => {
      const path = await placed();
      expect((await cancel(path, edge.tokens.bob)).status).to.equal(404);
      expect((await edge.send(path, { method: 'DELETE', token: edge.tokens.bob })).status).to.equal(404);
      expect((await cancel(`/api/v1/orders/${ABSENT}`, edge.tokens.admin)).status).to.equal(404);
      expect((await cancel(path, edge.tokens.support)).status).to.equal(200);
    });

    it('needs a reason', async () => {
      const path = await placed();
      for (const json of [
        {},
        { reason: '' },
        { reason: 5 },
        { reason: 'x'.repeat(201) },
        { reason: 'r', refund: true },
        { reason: 'a\u0000' },
      ]) {
        expect((await edge.send(`${path}/cancel`, { method: 'POST', json })).body['code']).to.equal(
          'validation_failed',
        );
      }
      expect((await edge.send(`${path}/cancel`, { method: 'POST' })).status).to.equal(400);
    });

    it('recognises its Idempotency-Key, and refuses it for another body', async () => {
      const path = await placed();
      const key = { 'idempotency-key': 'c1' };
      expect((await cancel(path, edge.tokens.alice, key)).headers.has('idempotent-replayed')).to.equal(false);
      expect((await cancel(path, edge.tokens.alice, key)).headers.get('idempotent-replayed')).to.equal('true');
      const other = await edge.send(`${path}/cancel`, { method: 'POST', json: { reason: 'other' }, headers: key });
      expect([other.status, other.body['code']]).to.deep.equal([422, 'idempotency_mismatch']);
    });

    it('asks again when the answer is lost', async () => {
      const path = await placed();
      edge.actors.loseNextAnswer(({ command }) => command?.type === 'CancelOrder');
      expect((await cancel(path)).status).to.equal(200);
    });
  });

  describe('confirm', () => {
    const confirm = (path: string, token = edge.tokens.alice, prefer = 'wait=1'): Promise<TestReply> =>
      edge.send(`${path}/confirm`, { method: 'POST', token, headers: { prefer } });

    it('confirms an order that waits for it, and captures', async () => {
      const path = await placed(manual);
      const reply = await confirm(path);
      expect([reply.status, reply.body['status']]).to.deep.equal([200, 'Confirmed']);
      expect(reply.body['payment']).to.include({ status: 'Captured' });
      expect(reply.headers.get('preference-applied')).to.equal('wait=1');
      expect((await confirm(path)).status).to.equal(200);
    });

    it('answers as soon as it is durable unless asked to wait', async () => {
      const reply = await edge.send(`${await placed(manual)}/confirm`, { method: 'POST', json: {} });
      expect([reply.status, reply.body['status']]).to.deep.equal([200, 'Confirmed']);
      expect(reply.body['payment']).to.include({ status: 'Authorized' });
    });

    it('is refused from another status, with what is permitted', async () => {
      const path = await placed(manual);
      await edge.send(path, { method: 'DELETE' });
      const reply = await confirm(path);
      expect([reply.status, reply.body['code']]).to.deep.equal([409, 'illegal_transition']);
      expect(reply.body).to.deep.include({ from: 'Cancelled', allowed: [] });
    });

    it('is refused once its time is over, also while no timer has expired the order', async () => {
      const path = await placed(manual);
      edge.clock.advance(900_030);
      const reply = await confirm(path);
      expect([reply.status, reply.body['code']]).to.deep.equal([409, 'illegal_transition']);
      expect(reply.body).to.deep.include({ allowed: ['Cancelled'], expiredAt: '2026-01-15T12:15:00.000Z' });
    });

    it('is for the owner and staff; to others the order does not exist', async () => {
      const path = await placed(manual);
      expect((await confirm(path, edge.tokens.bob)).status).to.equal(404);
      expect((await confirm(path, edge.tokens.support)).status).to.equal(200);
    });

    it('answers 504 when the outcome is not known', async () => {
      const path = await placed(manual);
      edge.actors.loseNextAnswer(({ command }) => command?.type === 'ConfirmOrder');
      const reply = await edge.send(`${path}/confirm`, { method: 'POST' });
      expect([reply.status, reply.body['code']]).to.deep.equal([504, 'outcome_unknown']);
      expect(reply.body).to.include({ orderId: path.split('/').at(-1), retryable: false });
    });
  });
});
