/** Owns entity tags: an order's tag is its version, so equal tags mean an equal answer. */

export const entityTag = (version: number): string => `"v${version}"`;

/**
 * True when `If-None-Match` names `tag` (weak comparison, RFC 9110 section 13.1.2). Koa's `ctx.fresh` says no as soon as
 * the request has `Cache-Control: no-cache`, and Node's own fetch sends that with every If-None-Match.
 */
export function matchesNone(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((candidate) => {
    const named = candidate.trim();
    return named === '*' || named === tag || named === `W/${tag}`;
  });
}
