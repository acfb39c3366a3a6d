/**
 * Owns the port that counts a caller's requests, and its in-process implementation. It decides nothing but "one more
 * or not"; who is counted, and what a refusal looks like, is the edge's.
 */
import type { Clock } from '../kernel/clock.ts';

export interface RateDecision {
  readonly allowed: boolean;
  /** Requests a window. */
  readonly limit: number;
  /** Requests left in this window, after this one. */
  readonly remaining: number;
  /** Whole seconds until the window ends, at least 1. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  readonly windowSeconds: number;
  /** Counts one request of this customer. May reject; then the edge lets the request pass, because a limit protects and does not judge. */
  take(sub: string): Promise<RateDecision>;
}

export interface InProcessRateLimiterOptions {
  readonly clock: Clock;
  readonly limit: number;
  readonly windowSeconds?: number;
  /** Beyond it the counters of all are dropped: a flood of made-up subs must not fill the memory. */
  readonly subsMax?: number;
}

const WINDOW_SECONDS = 60;
const SUBS_MAX = 100_000;

/**
 * A fixed window for each sub, that starts with the sub's first request, so that windows of different subs don't end
 * together. Never rejects.
 */
export function inProcessRateLimiter(options: InProcessRateLimiterOptions): RateLimiter {
  const { clock, limit, windowSeconds = WINDOW_SECONDS, subsMax = SUBS_MAX } = options;
  const windowMs = windowSeconds * 1000;
  const windows = new Map<string, { used: number; readonly endsAtMs: number }>();

  function windowOf(sub: string, nowMs: number) {
    const current = windows.get(sub);
    if (current !== undefined && nowMs < current.endsAtMs) return current;
    windows.delete(sub);
    if (windows.size >= subsMax) dropEnded(nowMs);
    const next = { used: 0, endsAtMs: nowMs + windowMs };
    windows.set(sub, next);
    return next;
  }

  /** Windows stand in the order they began, so the ended ones come first. Amortised O(1): each is dropped once. */
  function dropEnded(nowMs: number): void {
    for (const [sub, { endsAtMs }] of windows) {
      if (nowMs < endsAtMs) break;
      windows.delete(sub);
    }
    if (windows.size >= subsMax) windows.clear();
  }

  return {
    windowSeconds,
    take(sub) {
      const nowMs = clock.monotonicMs();
      const window = windowOf(sub, nowMs);
      const allowed = window.used < limit;
      if (allowed) window.used += 1;
      const resetSeconds = Math.max(1, Math.ceil((window.endsAtMs - nowMs) / 1000));
      return Promise.resolve({ allowed, limit, remaining: limit - window.used, resetSeconds });
    },
  };
}
