/**
 * Owns the step from a verified token's claims to the caller. A signature proves who wrote the claims, not what is in
 * them, so all are parsed, and nothing of a token is used unparsed.
 */
import { z } from 'zod';
import { ROLES, type Role } from '../config/dev-token.ts';
import { isSubject, qualifiedSubject, SUBJECT_RULE } from '../kernel/subject.ts';
import { unauthenticated } from './unauthenticated.ts';

export interface Principal {
  readonly sub: string;
  readonly role: Role;
  /** The token's `iss`, or empty: with `sub` it names the owner of idempotency keys. */
  readonly issuer: string;
  /** Whose orders are the caller's own: `sub`, with the issuer before it where tokens may have several issuers. */
  readonly customerId: string;
}

export const isStaff = ({ role }: Principal): boolean => role !== 'customer';

export interface ParsedToken {
  readonly principal: Principal;
  /** Seconds since 1970, as in the token. */
  readonly exp: number;
}

const AUDIENCES_MAX = 100;
const audience = z.string({ error: 'must be a text or a list of texts' });
const seconds = z.number({ error: 'must be a number of seconds since 1970' });
const name = z.string({ error: SUBJECT_RULE }).refine(isSubject, { error: SUBJECT_RULE });

/** Other claims are passed over: identity providers add their own. */
const CLAIMS = z.object({
  sub: name,
  role: z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` }),
  exp: z.number({ error: 'must be a number of seconds since 1970: tokens without an end are not accepted' }),
  iss: name.optional(),
  aud: z
    .union([audience, z.array(audience).max(AUDIENCES_MAX)], { error: 'must be a text or a list of texts' })
    .optional(),
  nbf: seconds.optional(),
  iat: seconds.optional(),
});

/**
 * @param oneIssuer all tokens have the same issuer, because another one's are refused.
 * @throws Problem unauthenticated, naming the claim and its rule.
 */
export function parseClaims(claims: unknown, oneIssuer: boolean): ParsedToken {
  const parsed = CLAIMS.safeParse(claims);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unauthenticated(`The token's "${String(issue?.path[0] ?? 'claims')}" ${issue?.message ?? 'are not valid'}.`);
  }
  const { sub, role, exp, iss: issuer = '' } = parsed.data;
  const customerId = oneIssuer ? sub : qualifiedSubject(issuer, sub);
  if (customerId === undefined) {
    throw unauthenticated(
      'The token\'s "iss" and "sub" together name the customer: "iss" must have no "|", and both at most 199 characters.',
    );
  }
  return { principal: { sub, role, issuer, customerId }, exp };
}
