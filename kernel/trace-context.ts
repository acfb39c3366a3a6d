/** Reads `traceparent`, which names the trace that a piece of work belongs to (W3C Trace Context). */

/** Version, trace id, parent id, flags; a later version may say more behind these. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?=$|-)/;
const VERSION_0 = '00-';
const VERSION_0_LENGTH = 55;

/**
 * @param header as it came. @returns it, without the additions of later versions; undefined where it is not valid,
 *   which is no fault.
 */
export function traceparentOf(header: unknown): string | undefined {
  if (typeof header !== 'string' || !TRACEPARENT.test(header)) return undefined;
  if (header.length > VERSION_0_LENGTH && header.startsWith(VERSION_0)) return undefined;
  return header.slice(0, VERSION_0_LENGTH);
}
