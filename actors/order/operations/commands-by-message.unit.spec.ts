/** What a command that came by message leads to: the same rules and problems as by HTTP. */
import { expect } from 'chai';
import type { CommandMessage, CommandPort } from '../../../messaging/commands/command-port.ts';
import { orderBody, startEdge, type EdgeHarness } from '../../../test/support/edge-harness.ts';
import { orderResponse } from './responses.ts';

const NEVER_PLACED = '019bc186-de00-7a9a-b202-e3cce335a4d4';

describe('commands by message', () => {
  let edge: EdgeHarness;
  let commands: CommandPort;

  beforeEach(async () => {
    edge = await startEdge();
    commands = edge.edge.commands;
    const items = ['P1', 'P2'].map((productId) => ({ productId, onHand: 100 }));
    await edge.send('/api/v1/stock/batch', { method: 'POST', token: edge.tokens.admin, json: { items } });
  });
  afterEach(() => edge.close());

  const messageOf = (changes: Partial<CommandMessage> = {}): CommandMessage => ({
    routingKey: 'order.place.v1',
    body: orderBody({ customerId: 'carol' }),
    sender: { kind: 'user', name: 'shop' },
    messageId: 'm-1',
    ...changes,
  });
  const perform = (changes: Partial<CommandMessage> = {}) => commands.perform(messageOf(changes));
  async function placed(changes: Partial<CommandMessage> = {}): Promise<Readonly<Record<string, unknown>>> {
    const outcome = await perform(changes);
    expect(outcome.kind).to.equal('done');
    return (outcome as unknown as { answer: { order: Record<string, unknown> } }).answer.order;
  }
  async function problemOf(changes: Partial<CommandMessage>) {
    const outcome = await perform(changes);
    if (outcome.kind === 'done') throw new Error('it was done');
    return { kind: outcome.kind, code: outcome.problem.code, problem: outcome.problem };
  }

  it('places an order for the customer in the body, in the form of the contract', async () => {
    const order = await placed();
    orderResponse.parse(order);
    expect(order).to.include({ customerId: 'carol', status: 'Created', version: 1 });
    expect(
      (await edge.send(`/api/v1/orders/${String(order['orderId'])}`, { token: edge.tokens.support })).status,
    ).to.equal(200);
  });

  it('makes one order of one message, however often it comes', async () => {
    const { orderId } = await placed();
    for (let again = 0; again < 3; again++) expect((await placed())['orderId']).to.equal(orderId);
    const { body } = await edge.send('/api/v1/orders', { token: edge.tokens.support });
    expect(body['data']).to.have.length(1);
  });

  it('keeps the message ids of senders apart from each other and from the keys of HTTP', async () => {
    const json = orderBody({ customerId: 'carol' });
    const request = { method: 'POST', token: edge.tokens.support, json, headers: { 'idempotency-key': 'm-1' } };
    const ids = [
      (await placed())['orderId'],
      (await placed({ sender: { kind: 'user', name: 'other' } }))['orderId'],
      (await placed({ sender: { kind: 'app', name: 'shop' } }))['orderId'],
      (await edge.send('/api/v1/orders', request)).body['orderId'],
    ];
    expect(new Set(ids)).to.have.length(4);
  });

  it('refuses a message id that was used with another body, by its own name', async () => {
    await placed();
    const { kind, code, problem } = await problemOf({ body: orderBody({ customerId: 'dave' }) });
    expect([kind, code]).to.deep.equal(['refused', 'idempotency_mismatch']);
    expect(problem.detail).to.match(/^This message-id was used/);
  });

  describe('one message id is one command', () => {
    const cancelOf = (orderId: unknown, reason = 'r') =>
      ({ routingKey: 'order.cancel.v1', body: { orderId, reason } }) as const;
    const confirmOf = (orderId: unknown) => ({ routingKey: 'order.confirm.v1', body: { orderId } }) as const;
    const MISMATCH = { kind: 'refused', code: 'idempotency_mismatch' };

    it('that placed an order: it cancels and confirms none', async () => {
      const { orderId } = await placed({ body: orderBody({ customerId: 'carol', confirmation: 'manual' }) });
      for (const other of [cancelOf(orderId), confirmOf(orderId)]) expect(await problemOf(other)).to.include(MISMATCH);
      expect(await placed({ body: orderBody({ customerId: 'carol', confirmation: 'manual' }) })).to.include({
        orderId,
        status: 'PaymentAuthorized',
      });
    });

    it('that cancelled an order: not another order, not with another body, no confirmation, no placing', async () => {
      const ids = [];
      for (const messageId of ['a', 'b']) ids.push((await placed({ messageId }))['orderId']);
      await placed(cancelOf(ids[0]));
      for (const other of [cancelOf(ids[1]), cancelOf(ids[0], 'another'), confirmOf(ids[0]), {}]) {
        expect(await problemOf(other)).to.include(MISMATCH);
      }
      expect(await placed(cancelOf(ids[0]))).to.include({ status: 'Cancelled' });
      expect(await placed({ messageId: 'b' })).to.include({ status: 'Confirmed' });
    });

    it('of one sender: another sender has its own', async () => {
      const { orderId } = await placed();
      expect(await placed({ ...cancelOf(orderId), sender: { kind: 'user', name: 'other' } })).to.include({ orderId });
    });

    it('also while that is refused: the same may come again, another may not', async () => {
      const { orderId } = await placed({ messageId: 'a' });
      expect((await problemOf(cancelOf(NEVER_PLACED))).kind).to.equal('not_yet');
      expect(await problemOf(cancelOf(orderId))).to.include(MISMATCH);
      expect((await problemOf(cancelOf(NEVER_PLACED))).kind).to.equal('not_yet');
    });

    it('leaves no order behind that could be read', async () => {
      const { orderId } = await placed();
      await placed({ messageId: 'm-2', ...cancelOf(orderId) });
      const { body } = await edge.send('/api/v1/orders', { token: edge.tokens.support });
      expect(body['data']).to.have.length(1);
    });
  });

  it('demands the customer', async () => {
    const { kind, code, problem } = await problemOf({ body: orderBody() });
    expect([kind, code]).to.deep.equal(['invalid', 'validation_failed']);
    expect(problem['errors']).to.deep.equal([{ pointer: '/customerId', code: 'required', detail: 'is required' }]);
  });

  it('calls invalid what can never succeed, as HTTP does', async () => {
    const bodies: readonly (readonly [unknown, string])[] = [
      [null, 'validation_failed'],
      [[], 'validation_failed'],
      ['text', 'validation_failed'],
      [orderBody({ customerId: 'carol', surplus: 1 }), 'validation_failed'],
      [orderBody({ customerId: 'a\u0000b' }), 'validation_failed'],
      [orderBody({ customerId: 'carol', externalReference: '\ud800' }), 'validation_failed'],
      [orderBody({ customerId: 'carol', externalReference: '4111 1111 1111 1111' }), 'card_data_refused'],
      [orderBody({ customerId: 'carol', externalReference: 'x'.repeat(2 ** 20) }), 'validation_failed'],
    ];
    for (const [body, expected] of bodies) {
      const { kind, code } = await problemOf({ body });
      expect([kind, code]).to.deep.equal(['invalid', expected]);
    }
    for (const body of [
      {},
      { orderId: 'no-uuid', reason: 'r' },
      { orderId: NEVER_PLACED },
      { orderId: 1, reason: 'r' },
    ]) {
      expect((await problemOf({ routingKey: 'order.cancel.v1', body })).kind).to.equal('invalid');
    }
  });

  it('refuses an unknown product for good, with the problem of HTTP', async () => {
    const unknown = orderBody({
      customerId: 'carol',
      orderLines: [{ productId: 'P9', quantity: 1, unitPrice: { amount: 1, currency: 'GBP' } }],
    });
    const { kind, code, problem } = await problemOf({ body: unknown });
    expect([kind, code, problem['status']]).to.deep.equal(['refused', 'unknown_product', 422]);
  });

  it('cancels and confirms under the message id, once', async () => {
    const { orderId } = await placed({ body: orderBody({ customerId: 'carol', confirmation: 'manual' }) });
    const confirm = { routingKey: 'order.confirm.v1', messageId: 'm-2', body: { orderId } } as const;
    const confirmed = await placed(confirm);
    expect(confirmed).to.include({ orderId, status: 'Confirmed' });
    expect(await placed(confirm)).to.include({ orderId });
    expect(
      await placed({ routingKey: 'order.cancel.v1', messageId: 'm-3', body: { orderId, reason: 'r' } }),
    ).to.include({
      orderId,
      status: 'CancellationPending',
    });
    const reused = await problemOf({ routingKey: 'order.cancel.v1', messageId: 'm-2', body: { orderId, reason: 'r' } });
    expect([reused.kind, reused.code]).to.deep.equal(['refused', 'idempotency_mismatch']);
  });

  it('answers a rule that says no as refused, with the problem of HTTP', async () => {
    const { orderId } = await placed();
    await placed({ routingKey: 'order.cancel.v1', messageId: 'm-2', body: { orderId, reason: 'r' } });
    const { kind, problem } = await problemOf({ routingKey: 'order.confirm.v1', messageId: 'm-3', body: { orderId } });
    expect(kind).to.equal('refused');
    expect(problem).to.include({
      type: '/docs#problem-illegal_transition',
      status: 409,
      code: 'illegal_transition',
      from: 'Cancelled',
      instance: 'order.confirm.v1',
      requestId: 'm-3',
    });
  });

  it('says of an order that is not known: not yet', async () => {
    const { kind, code } = await problemOf({
      routingKey: 'order.cancel.v1',
      body: { orderId: NEVER_PLACED, reason: 'r' },
    });
    expect([kind, code]).to.deep.equal(['not_yet', 'not_found']);
  });

  it('says of a confirmation that overtakes its order’s payment: not yet; it is done once that is authorized', async () => {
    edge.actors.providerIsSilent = true;
    const { orderId } = await placed({ body: orderBody({ customerId: 'carol', confirmation: 'manual' }) });
    const confirm = { routingKey: 'order.confirm.v1', messageId: 'm-2', body: { orderId } } as const;
    const { kind, code } = await problemOf(confirm);
    expect([kind, code]).to.deep.equal(['not_yet', 'illegal_transition']);
    edge.actors.resumeProvider();
    expect(await placed(confirm)).to.include({ orderId, status: 'Confirmed' });
  });

  it('lets be sent again what was not applied, or may have been', async () => {
    for (const failure of ['overloaded', 'unavailable', 'quarantined'] as const) {
      edge.actors.failNext(failure);
      expect((await problemOf({})).kind).to.equal('retry');
    }
    const { orderId } = await placed();
    edge.actors.loseNextAnswer(({ command }) => command?.type === 'CancelOrder');
    const cancel = { routingKey: 'order.cancel.v1', messageId: 'm-2', body: { orderId, reason: 'r' } } as const;
    expect(await problemOf(cancel)).to.include({ kind: 'retry', code: 'outcome_unknown' });
    expect(await placed(cancel)).to.include({ status: 'Cancelled' });
  });

  it('throws for what has no answer in the contract, and calls nothing done', async () => {
    edge.actors.ask = () => Promise.reject(new Error('a defect'));
    const thrown = await perform().catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(Error).with.property('message', 'a defect');
  });

  it('describes what never became a command', () => {
    const problem = commands.describe(
      { code: 'malformed_json', detail: 'The body is not valid JSON.' },
      { messageId: 'm-1', instance: 'order.place.v1' },
    );
    expect(problem).to.include({ status: 400, code: 'malformed_json', requestId: 'm-1', retryable: false });
  });
});
