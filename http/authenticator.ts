/**
 * Owns the question who is calling: verifies bearer tokens (JWT, RFC 7519) and remembers verified ones, because a
 * verification costs as much as the rest of a request. The algorithms are pinned: a token can't choose how it is
 * verified. Must never log a token or tell a caller more than that it is not accepted.
 */
import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import type { Clock, EpochMs } from '../kernel/clock.ts';
import { BoundedCache } from './bounded-cache.ts';
import { Problem } from './problems.ts';
import { isPrintableId } from './schemas/text.ts';

export interface AuthSettings {
  /** HS256; the key is the UTF-8 bytes of this text. */
  readonly jwtSecret?: string;
  /** Where there is no secret: the address of a JSON Web Key Set. */
  readonly jwksUrl?: string;
  /** Required of every token where given. */
  readonly issuer?: string;
  readonly audience?: string;
}

export type Role = 'customer' | 'support' | 'admin';

export interface Principal {
  readonly sub: string;
  readonly role: Role;
  /** The token's `iss`, or empty: with `sub` it names the owner of idempotency keys. */
  readonly issuer: string;
}

export interface Authenticator {
  /** @throws Problem unauthenticated; unavailable where the key set can't be fetched. */
  authenticate(authorization: string | undefined): Principal | Promise<Principal>;
}

export const isStaff = ({ role }: Principal): boolean => role !== 'customer';

const ROLES: ReadonlySet<unknown> = new Set<Role>(['customer', 'support', 'admin']);
const HMAC_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const SUB_LENGTH_MAX = 200;
const VERIFIED_TOKENS_MAX = 20_000;
/** Longer tokens are verified each time: the cache stays bounded in bytes too. */
const CACHED_TOKEN_LENGTH_MAX = 2_048;
/** A verified token is verified again after this time, so that a key taken from the key set ends. */
const VERIFIED_FOR_MS_MAX = 5 * 60_000;
const KEY_SET_TIMEOUT_MS = 5_000;
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

interface Verified {
  readonly principal: Principal;
  readonly until: EpochMs;
}

/** @throws Error when neither a secret nor a key set is given: an edge that can't verify must not start. */
export function createAuthenticator(settings: AuthSettings, clock: Clock): Authenticator {
  const verify = verifierOf(settings);
  const verified = new BoundedCache<Verified>(VERIFIED_TOKENS_MAX);

  async function verifyNew(authorization: string): Promise<Principal> {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw unauthenticated('The Authorization header must be "Bearer" and a JSON Web Token.');
    const payload = await verify(token, new Date(clock.nowMs()));
    const principal = principalOf(payload);
    if (authorization.length <= CACHED_TOKEN_LENGTH_MAX) {
      const soon = clock.nowMs() + VERIFIED_FOR_MS_MAX;
      const until = payload.exp === undefined ? soon : Math.min(soon, payload.exp * 1000);
      verified.set(authorization, { principal, until });
    }
    return principal;
  }

  return {
    authenticate(authorization) {
      if (authorization === undefined) throw unauthenticated('Send a token: "Authorization: Bearer <JWT>".', false);
      const known = verified.get(authorization);
      if (known !== undefined && clock.nowMs() < known.until) return known.principal;
      return verifyNew(authorization);
    },
  };
}

type Verifier = (token: string, now: Date) => Promise<JWTPayload>;

function verifierOf({ jwtSecret, jwksUrl, issuer, audience }: AuthSettings): Verifier {
  const expected: JWTVerifyOptions = {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  };
  let verify: (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>;
  if (jwtSecret !== undefined) {
    const key = new TextEncoder().encode(jwtSecret);
    verify = (token, options) => jwtVerify(token, key, { ...options, algorithms: HMAC_ALGORITHMS });
  } else if (jwksUrl !== undefined) {
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: KEY_SET_TIMEOUT_MS });
    verify = (token, options) => jwtVerify(token, keys, { ...options, algorithms: KEY_SET_ALGORITHMS });
  } else {
    throw new Error('the edge needs a JWT secret or the address of a key set');
  }
  return async (token, currentDate) => {
    try {
      return (await verify(token, { ...expected, currentDate })).payload;
    } catch (thrown) {
      throw rejectionOf(thrown);
    }
  };
}

/** A bad token is the caller's; a key set that does not answer is ours. */
function rejectionOf(thrown: unknown): Problem {
  if (thrown instanceof errors.JWTExpired) return unauthenticated('The token has expired; get a new one.');
  const keySetFailed = thrown instanceof errors.JWKSTimeout || thrown instanceof errors.JWKSInvalid;
  if (keySetFailed || !(thrown instanceof errors.JOSEError) || thrown.code === 'ERR_JOSE_GENERIC') {
    const detail = 'The keys that verify tokens can not be fetched now; nothing was applied.';
    return new Problem('unavailable', detail, { retryAfterSeconds: 2 });
  }
  return unauthenticated('The token is not accepted: its signature, algorithm, issuer, audience or time is not right.');
}

function principalOf({ sub, role, iss }: JWTPayload & { readonly role?: unknown }): Principal {
  if (sub === undefined || !isPrintableId(sub, SUB_LENGTH_MAX)) {
    throw unauthenticated(`The token needs a "sub" of 1 to ${SUB_LENGTH_MAX} printable characters.`);
  }
  if (!ROLES.has(role)) throw unauthenticated('The token needs a "role": customer, support or admin.');
  return { sub, role: role as Role, issuer: iss ?? '' };
}

function unauthenticated(detail: string, tokenGiven = true): Problem {
  const challenge = tokenGiven ? 'Bearer realm="holdfast", error="invalid_token"' : 'Bearer realm="holdfast"';
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': challenge } });
}
