/**
 * Counts each caller in one worker of the node, whichever worker the request came to: the counter lives where the
 * caller's name belongs, like an entity without rows. Its port to the other workers is an ask.
 */
import type { Ask, Answer } from '../runtime/ask.ts';
import type { RateDecision, RateLimiter } from './rate-limiter.ts';

/** Asks with this prefix count a request of the `sub` behind it. */
export const RATE_LIMIT_PREFIX = 'lim_';
const TIMEOUT_MS = 1_000;

/** @param ask sends to the worker that counts the sub; it answers with a `RateDecision`. */
export function ownerRateLimiter(windowSeconds: number, ask: (ask: Ask) => Promise<Answer>): RateLimiter {
  return {
    windowSeconds,
    take: async (sub) => {
      const answer = await ask({ to: RATE_LIMIT_PREFIX + sub, commandId: '', until: 'durable', timeoutMs: TIMEOUT_MS });
      if (answer.kind !== 'done') throw new Error('the worker that counts this caller does not answer');
      return answer.value as RateDecision;
    },
  };
}
