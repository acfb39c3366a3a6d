/** Owns the form of the rate limit's headers (draft-ietf-httpapi-ratelimit-headers). */
import type { RateDecision } from './rate-limiter.ts';

export function rateLimitHeaders(
  { limit, remaining, resetSeconds }: RateDecision,
  windowSeconds: number,
): Record<string, string> {
  return {
    'RateLimit-Policy': `"default";q=${limit};w=${windowSeconds}`,
    RateLimit: `"default";r=${remaining};t=${resetSeconds}`,
  };
}
