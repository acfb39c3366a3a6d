/** Owns the reading of `Prefer: wait=N` (RFC 7240): how many seconds a caller would wait for an entity to settle. */

const WAIT = /(?:^|,)\s*wait\s*=\s*"?(\d+)"?\s*(?:;[^,]*)?(?=,|$)/i;
const WAIT_SECONDS_MAX = 30;

/** Seconds from 1 to 30; a longer wait is cut to 30, and what can't be understood is ignored, as the RFC asks. */
export function preferredWaitSeconds(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const wait = Number(WAIT.exec(header)?.[1] ?? 0);
  return wait >= 1 ? Math.min(wait, WAIT_SECONDS_MAX) : undefined;
}
