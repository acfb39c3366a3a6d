/** Owns the name of a request: the caller's own where it is harmless, else a new one. It stands in logs and in rows. */
import { randomBytes } from 'node:crypto';
import { holdsCardNumber } from '../kernel/card-numbers.ts';

/** Printable ASCII, so that it can stand in a header and in a log line. */
const ACCEPTABLE = /^[!-~]{1,128}$/;

/** A name of this process and a count: as unique as random ids, and cheaper. */
const processName = randomBytes(9).toString('base64url');
let made = 0;

export function requestIdOf(header: string | string[] | undefined): string {
  if (typeof header === 'string' && ACCEPTABLE.test(header) && !holdsCardNumber(header)) return header;
  made += 1;
  return `${processName}-${made.toString(36)}`;
}
