/** Owns the answer to a request whose caller is not known. */
import { Problem } from './problems.ts';

/** @param tokenGiven false: the request had none (RFC 6750 section 3.1). */
export function unauthenticated(detail: string, tokenGiven = true): Problem {
  const challenge = tokenGiven ? 'Bearer realm="holdfast", error="invalid_token"' : 'Bearer realm="holdfast"';
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': challenge } });
}
