import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { signToken, startEdge, TEST_SECRET, withEdge, type EdgeHarness } from '../test/support/edge-harness.ts';

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

  it('verifies by a key set, never by its public key as a secret; 503 while it can not be fetched', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    let up = false;
    const keySet = createServer((_req, res) => {
      res.writeHead(up ? 200 : 500, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => keySet.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`;
    await withEdge({ auth: { jwksUrl } }, async (other) => {
      const token = await new SignJWT({ ...good, exp: Math.floor(other.clock.nowMs() / 1000) + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .sign(privateKey);
      const failed = await other.send('/api/v1/orders', { token });
      expect([failed.status, failed.body['code']]).to.deep.equal([503, 'unavailable']);
      up = true;
      expect((await other.send('/api/v1/orders', { token })).status).to.equal(200);
      const forged = await signToken(good, other.clock.nowMs(), JSON.stringify(jwk));
      expect((await other.send('/api/v1/orders', { token: forged })).status).to.equal(401);
    });
    keySet.close();
  });
});
