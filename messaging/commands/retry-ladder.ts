/**
 * Owns how often and how late a message is tried again. Pure: what was tried stands in the message's own headers.
 *
 *   tried --> 1 s --> 10 s --> 60 s --> given up        (what may be the message's own fault counts)
 *                                 ^ |
 *                                 '-'                    (our being busy or down does not)
 */
import { ATTEMPTS_HEADER, FAILURES_HEADER } from './own-headers.ts';
import type { Message } from './read-command.ts';
import { isOwnCopy } from './sender.ts';

export interface History {
  /** How often it was handled. */
  readonly attempts: number;
  /** How often of these it may have been the message's own fault. */
  readonly failures: number;
}

export type NextStep =
  | { readonly kind: 'climb'; readonly rung: string; readonly history: History }
  | { readonly kind: 'give_up'; readonly history: History };

/** Only the ladder's own messages have one: what a sender writes into these headers counts for nothing. */
export function historyOf(message: Pick<Message, 'exchange' | 'routingKey' | 'headers'>): History {
  if (!isOwnCopy(message)) return { attempts: 0, failures: 0 };
  const { headers } = message;
  return { attempts: countOf(headers?.[ATTEMPTS_HEADER]), failures: countOf(headers?.[FAILURES_HEADER]) };
}

/**
 * @param before what was tried before the attempt that just failed
 * @param counts false for failures that are not the message's: they never make it be given up
 * @param rungs shortest first, at least one
 */
export function nextStep(before: History, counts: boolean, rungs: readonly string[]): NextStep {
  const history = { attempts: before.attempts + 1, failures: before.failures + (counts ? 1 : 0) };
  if (counts && history.failures > rungs.length) return { kind: 'give_up', history };
  // By all attempts: one that waited a minute already is not worth a second.
  const rung = rungs[Math.min(history.attempts, rungs.length) - 1];
  return rung === undefined ? { kind: 'give_up', history } : { kind: 'climb', rung, history };
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
