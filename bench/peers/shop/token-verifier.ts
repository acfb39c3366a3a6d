/** The peers' check of bearer tokens: each is verified once, and remembered until it expires. */
import { jwtVerify } from 'jose';

export interface Caller {
  readonly sub: string;
  readonly role: string;
}

interface VerifiedToken {
  readonly caller: Caller;
  readonly expiresAtMs: number;
}

const REMEMBERED_TOKENS_MAX = 10_000;

export class TokenVerifier {
  readonly #key: Uint8Array;
  readonly #verified = new Map<string, VerifiedToken>();

  constructor(secret: string) {
    this.#key = new TextEncoder().encode(secret);
  }

  /** @throws where the token is absent, badly signed or expired */
  async verify(authorization: string): Promise<Caller> {
    const known = this.#verified.get(authorization);
    if (known !== undefined && known.expiresAtMs > Date.now()) return known.caller;
    const token = authorization.replace(/^Bearer /, '');
    const { payload } = await jwtVerify(token, this.#key, {
      algorithms: ['HS256'],
      requiredClaims: ['sub', 'role', 'exp'],
    });
    const caller = { sub: String(payload.sub), role: String(payload['role']) };
    if (this.#verified.size >= REMEMBERED_TOKENS_MAX) this.#verified.clear();
    this.#verified.set(authorization, { caller, expiresAtMs: Number(payload.exp) * 1000 });
    return caller;
  }
}
