import { expect } from 'chai';
import { UnsecuredJWT } from 'jose';
import {
  orderBody,
  signToken,
  startEdge,
  TEST_SECRET,
  withEdge,
  type EdgeHarness,
} from '../test/support/edge-harness.ts';

describe('who is calling', () => {
  let edge: EdgeHarness;
  before(async () => {
    edge = await startEdge();
  });
  after(() => edge.close());

  const good = { sub: 'alice', role: 'customer' };
  const tokens: readonly (readonly [string, () => Promise<string> | string])[] = [
    ['no JWT', () => 'abc'],
    ['another secret', () => signToken(good, edge.clock.nowMs(), 'another secret, also long enough to be one')],
    ['another algorithm', () => signToken(good, edge.clock.nowMs(), TEST_SECRET, 'HS512')],
    ['algorithm none', () => new UnsecuredJWT(good).encode()],
    ['a changed signature', async () => `${(await signToken(good, edge.clock.nowMs())).slice(0, -4)}AAAA`],
    [
      'an end in the past',
      () => signToken({ ...good, exp: Math.floor(edge.clock.nowMs() / 1000) - 1 }, edge.clock.nowMs()),
    ],
    [
      'a beginning in the future',
      () => signToken({ ...good, nbf: Math.floor(edge.clock.nowMs() / 1000) + 60 }, edge.clock.nowMs()),
    ],
    ['no sub', () => signToken({ role: 'customer' }, edge.clock.nowMs())],
    ['an empty sub', () => signToken({ ...good, sub: '' }, edge.clock.nowMs())],
    ['a long sub', () => signToken({ ...good, sub: 'x'.repeat(201) }, edge.clock.nowMs())],
    ['a sub with NUL', () => signToken({ ...good, sub: 'a\u0000' }, edge.clock.nowMs())],
    ['no role', () => signToken({ sub: 'alice' }, edge.clock.nowMs())],
    ['an unknown role', () => signToken({ sub: 'alice', role: 'root' }, edge.clock.nowMs())],
    ['no end', () => signToken({ ...good, exp: undefined }, edge.clock.nowMs())],
    ...(
      [
        ['sub', [['a', 'b'], 5, true, {}, null, '2'.repeat(201), ' alice', 'a\u200b']],
        ['role', [['admin'], { admin: true }, 0, null]],
        ['iss', [['a'], 5, {}, null, '', 'a\u0000', 'x'.repeat(201), 'a|b', 'x'.repeat(198)]],
        ['aud', [5, {}, [5], null]],
        ['exp', ['4102444800', null, {}, [4102444800]]],
        ['nbf', ['0', null, {}]],
        ['iat', ['0', null, {}]],
      ] as const
    ).flatMap(([claim, values]) =>
      values.map(
        (value: unknown) =>
          [
            `${claim} ${JSON.stringify(value).slice(0, 20)}`,
            () => signToken({ ...good, [claim]: value }, edge.clock.nowMs()),
          ] as const,
      ),
    ),
  ];
  for (const [what, make] of tokens) {
    it(`refuses a token with ${what}`, async () => {
      const reply = await edge.send('/api/v1/orders', { token: await make() });
      expect([reply.status, reply.body['code']]).to.deep.equal([401, 'unauthenticated']);
      expect(reply.headers.get('www-authenticate')).to.equal('Bearer realm="holdfast", error="invalid_token"');
    });
  }

  it('refuses a request without a token, and other schemes', async () => {
    const bare = await edge.send('/api/v1/orders', { token: null });
    expect([bare.status, bare.headers.get('www-authenticate')]).to.deep.equal([401, 'Bearer realm="holdfast"']);
    for (const authorization of ['Basic YTpi', 'Bearer', `Bearer ${edge.tokens.alice} x`, edge.tokens.alice]) {
      expect((await edge.send('/api/v1/orders', { token: null, headers: { authorization } })).status).to.equal(401);
    }
    const lower = { authorization: `bearer ${edge.tokens.alice}` };
    expect((await edge.send('/api/v1/orders', { token: null, headers: lower })).status).to.equal(200);
  });

  it('lets a token end also after it was verified once', () =>
    withEdge({}, async (other) => {
      expect((await other.send('/api/v1/orders')).status).to.equal(200);
      other.clock.advance(3_599_000);
      expect((await other.send('/api/v1/orders')).status).to.equal(200);
      other.clock.advance(1_000);
      expect((await other.send('/api/v1/orders')).status).to.equal(401);
    }));

  it('requires issuer and audience where they are set', () =>
    withEdge({ auth: { jwtSecret: TEST_SECRET, issuer: 'https://id', audience: 'holdfast' } }, async (other) => {
      const now = other.clock.nowMs();
      const status = async (claims: Readonly<Record<string, unknown>>): Promise<number> =>
        (await other.send('/api/v1/orders', { token: await signToken({ ...good, ...claims }, now) })).status;
      expect(await status({ iss: 'https://id', aud: 'holdfast' })).to.equal(200);
      expect(await status({ iss: 'https://id' })).to.equal(401);
      expect(await status({ iss: 'https://other', aud: 'holdfast' })).to.equal(401);
    }));

  it('calls the customer by sub alone where one issuer is set, else by issuer and sub', async () => {
    const placed = async (edge: EdgeHarness, claims: Readonly<Record<string, unknown>>): Promise<unknown> => {
      const token = await signToken({ ...good, ...claims }, edge.clock.nowMs());
      await edge.send('/api/v1/stock/P1', { method: 'PUT', token: edge.tokens.admin, json: { onHand: 10 } });
      const json = orderBody({
        orderLines: [{ productId: 'P1', quantity: 1, unitPrice: { amount: 1, currency: 'GBP' } }],
      });
      return (await edge.send('/api/v1/orders', { method: 'POST', token, json })).body['customerId'];
    };
    await withEdge({}, async (any) => {
      expect(await placed(any, {})).to.equal('alice');
      expect(await placed(any, { iss: 'https://a' })).to.equal('https://a|alice');
      expect(await placed(any, { iss: 'https://b' })).to.equal('https://b|alice');
      expect(await placed(any, { sub: 'https://a|alice' }), 'a sub that looks like both').to.equal('|https://a|alice');
      const other = await signToken({ ...good, iss: 'https://b' }, any.clock.nowMs());
      const own = (await any.send('/api/v1/orders', { token: other })).body['data'] as readonly unknown[];
      expect(own, 'of the other issuer').to.have.length(1);
    });
    await withEdge({ auth: { jwtSecret: TEST_SECRET, issuer: 'https://a' } }, async (one) => {
      const token = await signToken({ ...good, iss: 'https://a' }, one.clock.nowMs());
      expect((await one.send('/api/v1/orders?customerId=alice', { token })).status).to.equal(200);
    });
  });
});
