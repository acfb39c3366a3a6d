/**
 * Owns the question who is calling: verifies bearer tokens (JWT, RFC 7519) and remembers verified ones, because a
 * verification costs as much as the rest of a request. The algorithms are pinned: a token can't choose how it is
 * verified. Must never log a token or tell a caller more than that it is not accepted.
 */
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Logger } from 'pino';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { BoundedCache } from './bounded-cache.ts';
import { Problem } from './problems.ts';
import { RefusedTokens } from './refused-tokens.ts';
import { KeySetUnavailable, RemoteKeySet, type TokenKey } from './remote-key-set.ts';
import { parseClaims, type Principal } from './token-claims.ts';
import { unauthenticated } from './unauthenticated.ts';

export { isStaff, type Principal } from './token-claims.ts';

export interface AuthSettings {
  /** HS256; the key is the UTF-8 bytes of this text. */
  readonly jwtSecret?: string;
  /** Where there is no secret: the address of a JSON Web Key Set. */
  readonly jwksUrl?: string;
  /** Required of every token where given. Without it, the issuer is a part of the customer's id. */
  readonly issuer?: string;
  readonly audience?: string;
}

/** The connection that a token came by. */
export interface Peer {
  readonly remoteAddress?: string | undefined;
}

export interface Authenticator {
  /**
   * Known tokens are answered at once.
   * @throws Problem unauthenticated, rate_limited, overloaded; unavailable where the key set can't be fetched.
   */
  authenticate(authorization: string | undefined, peer: Peer): Principal | Promise<Principal>;
}

const HMAC_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const VERIFIED_TOKENS_MAX = 20_000;
/** Longer tokens are verified each time: the cache stays bounded in bytes too. */
const CACHED_TOKEN_LENGTH_MAX = 2_048;
/** Tokens that are being verified: more would only wait, in memory. */
const VERIFICATIONS_MAX = 1_000;
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

interface Verified {
  readonly principal: Principal;
  readonly until: EpochMs;
  readonly key: TokenKey;
}

/** @throws Error when neither a secret nor a key set is given: an edge that can't verify must not start. */
export function createAuthenticator(settings: AuthSettings, clock: Clock, log: Logger): Authenticator {
  const { verify, refresh } = createVerifier(settings, clock, log);
  const verified = new BoundedCache<Verified>(VERIFIED_TOKENS_MAX);
  const refused = new RefusedTokens(clock);
  let verifying = 0;

  async function verifyNew(authorization: string, address: string): Promise<Principal> {
    refused.check(authorization, address);
    if (verifying >= VERIFICATIONS_MAX) throw tooManyVerifications();
    verifying += 1;
    try {
      const token = BEARER.exec(authorization)?.[1];
      if (token === undefined) throw unauthenticated('The Authorization header must be "Bearer" and a JSON Web Token.');
      const { payload, key } = await verify(token, new Date(clock.nowMs()));
      const { principal, exp } = parseClaims(payload, settings.issuer !== undefined);
      if (authorization.length <= CACHED_TOKEN_LENGTH_MAX) {
        verified.set(authorization, { principal, until: exp * 1000, key });
      }
      return principal;
    } catch (thrown) {
      const problem = rejectionOf(thrown);
      if (problem.code === 'unauthenticated') refused.add(authorization, address, problem);
      throw problem;
    } finally {
      verifying -= 1;
    }
  }

  return {
    authenticate(authorization, peer) {
      if (authorization === undefined) throw unauthenticated('Send a token: "Authorization: Bearer <JWT>".', false);
      const known = verified.get(authorization);
      if (known !== undefined) {
        refresh?.();
        if (known.key.isCurrent && clock.nowMs() < known.until) return known.principal;
        verified.delete(authorization);
      }
      return verifyNew(authorization, peer.remoteAddress ?? '');
    },
  };
}

interface Verifier {
  readonly verify: (token: string, now: Date) => Promise<{ payload: JWTPayload; key: TokenKey }>;
  /** Where keys may change: looks whether they have. */
  readonly refresh?: () => void;
}

function createVerifier({ jwtSecret, jwksUrl, issuer, audience }: AuthSettings, clock: Clock, log: Logger): Verifier {
  const expected: JWTVerifyOptions = {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  if (jwtSecret !== undefined) {
    const secret = new TextEncoder().encode(jwtSecret);
    const key: TokenKey = { isCurrent: true };
    const options = { ...expected, algorithms: HMAC_ALGORITHMS };
    return {
      verify: async (token, currentDate) => ({
        payload: (await jwtVerify(token, secret, { ...options, currentDate })).payload,
        key,
      }),
    };
  }
  if (jwksUrl === undefined) throw new Error('the edge needs a JWT secret or the address of a key set');
  const keySet = new RemoteKeySet(jwksUrl, clock, log);
  const options = { ...expected, algorithms: KEY_SET_ALGORITHMS };
  return {
    verify: async (token, currentDate) => {
      let owner: TokenKey | undefined;
      const { payload } = await jwtVerify(
        token,
        async (header) => {
          const found = await keySet.keyFor(header);
          owner = found.owner;
          return found.key;
        },
        { ...options, currentDate },
      );
      return { payload, key: owner! };
    },
    refresh: () => keySet.refresh(),
  };
}

/** A bad token is the caller's; a key set that does not answer is ours. */
function rejectionOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof errors.JWTExpired) return unauthenticated('The token has expired; get a new one.');
  if (thrown instanceof KeySetUnavailable) {
    const detail = 'The keys that verify tokens can not be fetched now; nothing was applied.';
    return new Problem('unavailable', detail, { retryAfterSeconds: 2 });
  }
  return unauthenticated('The token is not accepted: its signature, algorithm, issuer, audience or time is not right.');
}

function tooManyVerifications(): Problem {
  const detail = 'Too many tokens are being verified now; nothing was applied. Send the request again later.';
  return new Problem('overloaded', detail, { retryAfterSeconds: 1 });
}
