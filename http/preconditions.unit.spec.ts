/** That every operation that changes something honours If-Match and If-None-Match: a new one must stand in the table. */
import { expect } from 'chai';
import { orderBody, startEdge, type EdgeHarness, type TestReply } from '../test/support/edge-harness.ts';
import { headersOf, isMutation } from './operation-definition.ts';

interface Example {
  readonly path: (order: string) => string;
  readonly json?: unknown;
  /** That what it asks for holds for what has a version; `new`: only for what has none. */
  readonly about: 'existing' | 'new' | 'several';
}

const EXAMPLES = {
  placeOrder: { path: () => '/api/v1/orders', json: orderBody(), about: 'new' },
  confirmOrder: { path: (order) => `${order}/confirm`, json: {}, about: 'existing' },
  cancelOrder: { path: (order) => `${order}/cancel`, json: { reason: 'r' }, about: 'existing' },
  deleteOrder: { path: (order) => order, about: 'existing' },
  setStock: { path: () => '/api/v1/stock/P1', json: { onHand: 70 }, about: 'existing' },
  setStockBatch: {
    path: () => '/api/v1/stock/batch',
    json: { items: [{ productId: 'P1', onHand: 70 }] },
    about: 'several',
  },
} as const satisfies Readonly<Record<string, Example>>;
type MutationId = keyof typeof EXAMPLES;

describe('a condition', () => {
  let edge: EdgeHarness;
  let order: string;
  beforeEach(async () => {
    edge = await startEdge();
    for (const productId of ['P1', 'P2']) {
      await edge.send(`/api/v1/stock/${productId}`, { method: 'PUT', token: edge.tokens.admin, json: { onHand: 100 } });
    }
    const json = orderBody({ confirmation: 'manual' });
    const placed = await edge.send('/api/v1/orders', { method: 'POST', json, headers: { prefer: 'wait=5' } });
    order = placed.headers.get('location') ?? '';
  });
  afterEach(() => edge.close());

  const mutate = (id: MutationId, headers: Record<string, string>): Promise<TestReply> => {
    const { path, json }: Example = EXAMPLES[id];
    const { method, access } = edge.edge.operations.find((operation) => operation.id === id)!;
    const token = access === 'any' ? edge.tokens.alice : edge.tokens.admin;
    return edge.send(path(order), { method, token, headers, ...(json !== undefined && { json }) });
  };
  const state = async (): Promise<unknown> => [
    (await edge.send(order)).body,
    (await edge.send('/api/v1/stock/P1', { token: edge.tokens.admin })).body,
  ];
  const statusOf = ({ status, body }: TestReply): unknown =>
    Array.isArray(body['results']) ? (body['results'] as { status: number }[])[0]?.status : status;
  const tagOf = async (id: MutationId): Promise<string> => {
    const path = id === 'setStock' ? '/api/v1/stock/P1' : order;
    return (await edge.send(path, { token: edge.tokens.admin })).headers.get('etag') ?? '';
  };

  it('is described for every operation that changes something', () => {
    const mutations = edge.edge.operations.filter(isMutation);
    expect(Object.keys(EXAMPLES)).to.have.members(mutations.map(({ id }) => id));
    for (const operation of mutations) expect(headersOf(operation)).to.include.members(['If-Match', 'If-None-Match']);
  });

  for (const id of Object.keys(EXAMPLES) as MutationId[]) {
    const { about } = EXAMPLES[id];
    const refusing: Record<string, string>[] =
      about === 'new'
        ? [{ 'if-match': '*' }, { 'if-match': '"v1"' }]
        : about === 'several'
          ? [{ 'if-none-match': '*' }]
          : [{ 'if-match': '"v999"' }, { 'if-match': 'W/"v1"' }, { 'if-match': '"other"' }, { 'if-none-match': '*' }];

    for (const headers of refusing) {
      it(`${JSON.stringify(headers)} stops ${id}: 412, and nothing is applied`, async () => {
        const before = await state();
        const reply = await mutate(id, headers);
        expect(statusOf(reply)).to.equal(412);
        expect(reply.text).to.include('precondition_failed');
        expect(await state()).to.deep.equal(before);
        expect((await edge.send('/api/v1/orders')).body['data']).to.have.length(1);
      });
    }

    it(`that can not be read is refused by ${id}, not ignored`, async () => {
      const before = await state();
      const reply = await mutate(id, { 'if-match': 'v1' });
      expect([reply.status, reply.body['code']]).to.deep.equal([400, 'validation_failed']);
      expect(await state()).to.deep.equal(before);
    });

    it(`that holds lets ${id} pass, and its replay under its key, outdated by then`, async () => {
      const headers: Record<string, string> = { 'idempotency-key': 'k' };
      if (about === 'new') headers['if-none-match'] = '*';
      else headers['if-match'] = about === 'several' ? '*' : `"v998", ${await tagOf(id)}`;
      const first = await mutate(id, headers);
      expect(statusOf(first)).to.be.within(200, 202);
      expect(first.headers.has('idempotent-replayed')).to.equal(false);
      const again = await mutate(id, headers);
      expect([statusOf(again), again.headers.get('idempotent-replayed')]).to.deep.equal([statusOf(first), 'true']);
    });
  }

  it('with an outdated tag stops a DELETE that would only find its work done', async () => {
    const tag = await tagOf('deleteOrder');
    expect((await mutate('deleteOrder', { 'if-match': tag })).status).to.equal(200);
    const again = await mutate('deleteOrder', { 'if-match': tag });
    expect([again.status, again.headers.get('etag')]).to.deep.equal([412, await tagOf('deleteOrder')]);
  });

  it('that refuses binds no key', async () => {
    const key = { 'idempotency-key': 'k' };
    expect((await mutate('setStock', { ...key, 'if-match': '"v999"' })).status).to.equal(412);
    const path = '/api/v1/stock/P1';
    const other = { method: 'PUT', token: edge.tokens.admin, json: { onHand: 71 }, headers: key };
    expect((await edge.send(path, other)).status).to.equal(200);
  });

  it('If-None-Match: * creates stock and never changes it', async () => {
    const create = (onHand: number): Promise<TestReply> =>
      edge.send('/api/v1/stock/new', {
        method: 'PUT',
        token: edge.tokens.admin,
        json: { onHand },
        headers: { 'if-none-match': '*' },
      });
    const created = await create(5);
    expect([created.status, created.headers.get('etag')]).to.deep.equal([200, '"v1"']);
    expect((await create(6)).status).to.equal(412);
    const read = await edge.send('/api/v1/stock/new', { token: edge.tokens.admin });
    expect([read.body['onHand'], read.headers.get('etag')]).to.deep.equal([5, '"v1"']);
  });

  it('about another caller’s order tells nothing of it', async () => {
    const bobs = { method: 'DELETE', token: edge.tokens.bob, headers: { 'if-match': '*' } };
    expect((await edge.send(order, bobs)).status).to.equal(404);
  });

  it('with tags on a batch is refused: a tag belongs to one product', async () => {
    expect((await mutate('setStockBatch', { 'if-match': '"v1"' })).status).to.equal(400);
  });

  it('does not stop a command whose answer was lost on its way: it is recognised', async () => {
    edge.actors.loseNextAnswer(({ command }) => command?.type === 'CancelOrder');
    const reply = await mutate('cancelOrder', { 'if-match': await tagOf('cancelOrder') });
    expect([reply.status, reply.body['status']]).to.deep.equal([200, 'Cancelled']);
  });
});
