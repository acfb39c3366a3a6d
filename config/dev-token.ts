/**
 * Signs HS256 tokens for people and tools of this project: the curl that a node prints, the token command, replay and
 * bench. Production tokens come from an identity provider; a node only verifies them.
 */
import { SignJWT } from 'jose';
import { systemClock, type Clock } from '../kernel/clock.ts';

export const ROLES = ['customer', 'support', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface DevTokenRequest {
  /** JWT_SECRET or the node's own; its UTF-8 bytes are the key. */
  readonly secret: string;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly sub: string;
  readonly role: Role;
  readonly ttlSeconds: number;
  readonly clock?: Pick<Clock, 'nowMs'>;
}

/** Signs a token that a node with the same secret, issuer and audience accepts until `ttlSeconds` from now. */
export async function signDevToken(request: DevTokenRequest): Promise<string> {
  const issuedAt = Math.floor((request.clock ?? systemClock).nowMs() / 1000);
  const token = new SignJWT({ role: request.role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(request.sub)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + request.ttlSeconds);
  if (request.issuer !== undefined) token.setIssuer(request.issuer);
  if (request.audience !== undefined) token.setAudience(request.audience);
  return await token.sign(new TextEncoder().encode(request.secret));
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
