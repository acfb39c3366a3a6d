/**
 * The step that lets a customer's request pass, or answers 429. Every limited answer says what is left. When the
 * counter fails the request passes: the limit only protects.
 */
import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import { messageOf } from '../../kernel/errors.ts';
import type { CallerState } from '../edge-context.ts';
import { Problem } from '../problems.ts';
import { rateLimitHeaders } from '../rate-limit-headers.ts';
import type { RateDecision, RateLimiter } from '../rate-limiter.ts';

export function rateLimit(limiter: RateLimiter, log: Logger): Middleware<CallerState> {
  const { windowSeconds } = limiter;
  return async (ctx, next) => {
    const { principal, requestId } = ctx.state;
    if (principal.role === 'customer') {
      let decision: RateDecision | undefined;
      try {
        decision = await limiter.take(principal.customerId);
      } catch (error) {
        log.warn({ reason: messageOf(error), requestId }, 'the rate limiter failed; the request passes');
      }
      if (decision !== undefined) {
        ctx.set(rateLimitHeaders(decision, windowSeconds));
        if (!decision.allowed) throw rateLimited(decision, windowSeconds);
      }
    }
    await next();
  };
}

function rateLimited({ limit, resetSeconds }: RateDecision, windowSeconds: number): Problem {
  const detail = `More than ${limit} requests in ${windowSeconds} seconds; nothing was applied.`;
  return new Problem('rate_limited', detail, { retryAfterSeconds: resetSeconds });
}
