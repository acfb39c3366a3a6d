/**
 * The rule for the names of callers: a token's `sub` and `iss`, and the customer's id made of both. The edge, the token
 * command and the settings share it, so each accepts the tokens that the others make.
 */
import { isPrintableId, printableIdRule } from './printable-id.ts';

const NAME_LENGTH_MAX = 200;
/** No URI contains it (RFC 3986), so what stands before the first one is the issuer. */
const SEPARATOR = '|';

/** To follow the name of the field. */
export const SUBJECT_RULE = printableIdRule(NAME_LENGTH_MAX);

/** Is this a `sub`, an `iss` or a customer's id? */
export function isSubject(text: string): boolean {
  return isPrintableId(text, NAME_LENGTH_MAX);
}

/**
 * The customer that a token speaks for, where tokens may have several issuers: two issuers' `alice` are two customers.
 * Without an issuer it is the `sub`. Different pairs never give the same text.
 *
 * @param issuer empty where the token has none; without the separator.
 * @returns undefined where the result would be too long, or the issuer contains the separator.
 */
export function qualifiedSubject(issuer: string, sub: string): string | undefined {
  if (issuer.includes(SEPARATOR)) return undefined;
  if (issuer === '' && !sub.includes(SEPARATOR)) return sub;
  const qualified = `${issuer}${SEPARATOR}${sub}`;
  return isSubject(qualified) ? qualified : undefined;
}
