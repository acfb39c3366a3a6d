/** Tokens that are verified by a key set at an address: what its server may do, and what callers see of it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { signToken, until, withEdge, type EdgeHarness } from '../test/support/edge-harness.ts';
import { FETCH_PAUSE_MS, KEY_SET_MAX_AGE_MS, RETRY_PAUSE_MS } from './remote-key-set.ts';

interface Signer {
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}

async function signerOf(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }, privateKey };
}

const good = { sub: 'alice', role: 'customer' };
const tokenOf = (edge: EdgeHarness, { jwk, privateKey }: Signer, sub = 'alice'): Promise<string> =>
  new SignJWT({ ...good, sub, exp: Math.floor(edge.clock.nowMs() / 1000) + 3_600 })
    .setProtectedHeader({ alg: 'ES256', kid: jwk.kid! })
    .sign(privateKey);

describe('a key set', () => {
  let server: Server;
  let jwksUrl: string;
  let first: Signer;
  let second: Signer;
  /** What its server does. */
  let mode: 'up' | 'failing' | 'hanging' | 'redirecting' | { readonly text: string };
  let published: JWK[];
  let fetches: number;

  before(async () => {
    [first, second] = await Promise.all([signerOf('k1'), signerOf('k2')]);
  });
  beforeEach(async () => {
    [mode, published, fetches] = ['up', [first.jwk], 0];
    server = createServer((_request, response) => {
      fetches += 1;
      if (mode === 'hanging') return;
      if (mode === 'failing') response.writeHead(500).end();
      else if (mode === 'redirecting') response.writeHead(302, { location: jwksUrl }).end();
      else response.end(mode === 'up' ? JSON.stringify({ keys: published }) : mode.text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  const withKeys = (run: (edge: EdgeHarness) => Promise<void>): Promise<void> => withEdge({ auth: { jwksUrl } }, run);
  const statusOf = async (edge: EdgeHarness, token: string): Promise<number> =>
    (await edge.send('/api/v1/orders', { token })).status;

  it('verifies, never with a public key as a secret; 503 while it can not be fetched', () =>
    withKeys(async (edge) => {
      mode = 'failing';
      const token = await tokenOf(edge, first);
      const failed = await edge.send('/api/v1/orders', { token });
      expect([failed.status, failed.body['code']]).to.deep.equal([503, 'unavailable']);
      mode = 'up';
      edge.clock.advance(RETRY_PAUSE_MS);
      expect(await statusOf(edge, token)).to.equal(200);
      expect(await statusOf(edge, await signToken(good, edge.clock.nowMs(), JSON.stringify(first.jwk)))).to.equal(401);
    }));

  it('that hangs keeps no places: forged tokens wait apart, in a bounded number, and known keys go on', () =>
    withEdge({ auth: { jwksUrl }, limits: { inFlightMax: 10 } }, async (edge) => {
      expect(await statusOf(edge, await tokenOf(edge, first))).to.equal(200);
      mode = 'hanging';
      edge.clock.advance(FETCH_PAUSE_MS);
      const forger = await signerOf('k1');
      const answers: Promise<number>[] = [];
      for (let round = 0; round < 60; round++) {
        for (let n = 0; n < 5; n++) {
          const forged = { ...forger, jwk: { ...forger.jwk, kid: `made-up-${round}-${n}` } };
          answers.push(statusOf(edge, await tokenOf(edge, forged)));
        }
        // A token that was never seen, of a key that is known.
        expect(await statusOf(edge, await tokenOf(edge, first, `customer-${round}`)), `round ${round}`).to.equal(200);
      }
      expect(fetches, 'one for all who wait').to.equal(2);
      server.closeAllConnections();
      expect(new Set(await Promise.all(answers))).to.deep.equal(new Set([503]));
    })).timeout(20_000);

  it('that is away locks out no token with a known key, however long it is away', () =>
    withKeys(async (edge) => {
      let asked = 0;
      expect(await statusOf(edge, await tokenOf(edge, first))).to.equal(200);
      for (mode of [
        'failing',
        'redirecting',
        { text: 'no JSON' },
        { text: '{"keys":"none"}' },
        { text: '[]' },
      ] as const) {
        edge.clock.advance(2 * KEY_SET_MAX_AGE_MS);
        // Each token is new to the node. The fetch before may end only now, and the pause after it counts from then.
        for (const before = fetches; fetches === before; edge.clock.advance(FETCH_PAUSE_MS)) {
          expect(await statusOf(edge, await tokenOf(edge, first, `customer-${++asked}`))).to.equal(200);
        }
      }
      expect(
        edge.logged.filter((line) => line.includes('key set that verifies')),
        'said once',
      ).to.have.length(1);
    }));

  it('ends cached tokens when their key is taken from it, and no others', () =>
    withKeys(async (edge) => {
      published = [first.jwk, second.jwk];
      const [gone, kept] = [await tokenOf(edge, first), await tokenOf(edge, second)];
      expect([await statusOf(edge, gone), await statusOf(edge, kept)]).to.deep.equal([200, 200]);
      published = [second.jwk];
      edge.clock.advance(KEY_SET_MAX_AGE_MS);
      expect(await statusOf(edge, kept), 'fetches the set anew').to.equal(200);
      await until(() => fetches === 2);
      await until(() => edge.edge.inFlight() === 0);
      expect([await statusOf(edge, gone), await statusOf(edge, kept)]).to.deep.equal([401, 200]);
    }));

  it('is asked for a new key at once, and for keys that are none not more often than once in a while', () =>
    withKeys(async (edge) => {
      expect(await statusOf(edge, await tokenOf(edge, first))).to.equal(200);
      published = [first.jwk, second.jwk];
      edge.clock.advance(FETCH_PAUSE_MS);
      expect(await statusOf(edge, await tokenOf(edge, second))).to.equal(200);
      const forger = await signerOf('made-up');
      for (let n = 0; n < 20; n++) expect(await statusOf(edge, await tokenOf(edge, forger, `c${n}`))).to.equal(401);
      expect(fetches).to.equal(2);
    }));
});
