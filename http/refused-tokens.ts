/**
 * Owns what a token that is not accepted may cost. Each one takes from the budget of the address that it came from, and
 * from the budget of the worker; where nothing is left, tokens that are not known are refused unseen (429) until the
 * budget has grown again. A token that was verified before is never asked for its budget.
 *
 * Behind a proxy all clients have one address, and one sender of bad tokens spends the budget of all. So it grows by
 * the second, not by the minute, and a new token that is good gets through at one of the next tries.
 */
import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Clock } from '../kernel/clock.ts';
import { BoundedCache } from './bounded-cache.ts';
import { Problem } from './problems.ts';

/** Tokens that may be refused at once, and by the second. A verification costs about 0.1 ms. */
export const ADDRESS_BUDGET = { burst: 200, perSecond: 100 };
export const WORKER_BUDGET = { burst: 2_000, perSecond: 1_000 };
const ADDRESSES_MAX = 10_000;
/** A token that was refused is refused without another look for so long: its key or its time may come. */
const REMEMBERED_MS = 2_000;
const REMEMBERED_MAX = 5_000;
const IPV6_GROUPS = 8;
/** An IPv6 client may choose its address within a network of 64 bits. */
const IPV6_NETWORK_GROUPS = 4;

interface Budget {
  left: number;
  atMs: number;
}

interface Refusal {
  readonly problem: Problem;
  readonly untilMs: number;
}

export class RefusedTokens {
  readonly #clock: Clock;
  readonly #ofAddresses = new BoundedCache<Budget>(ADDRESSES_MAX);
  readonly #ofWorker: Budget;
  readonly #refusals = new BoundedCache<Refusal>(REMEMBERED_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ofWorker = { left: WORKER_BUDGET.burst, atMs: clock.monotonicMs() };
  }

  /** @throws Problem rate_limited; or what the token was refused with a moment ago. */
  check(authorization: string, address: string): void {
    const nowMs = this.#clock.monotonicMs();
    const own = this.#ofAddresses.get(networkOf(address));
    const isSpent = own !== undefined && grown(own, ADDRESS_BUDGET, nowMs) < 1;
    if (isSpent || grown(this.#ofWorker, WORKER_BUDGET, nowMs) < 1) throw tooManyRefused();
    const refusal = this.#refusals.get(digest(authorization));
    if (refusal === undefined || nowMs >= refusal.untilMs) return;
    this.#spend(address, nowMs);
    throw refusal.problem;
  }

  add(authorization: string, address: string, problem: Problem): void {
    const nowMs = this.#clock.monotonicMs();
    this.#spend(address, nowMs);
    this.#refusals.set(digest(authorization), { problem, untilMs: nowMs + REMEMBERED_MS });
  }

  #spend(address: string, nowMs: number): void {
    const network = networkOf(address);
    let own = this.#ofAddresses.get(network);
    if (own === undefined) {
      own = { left: ADDRESS_BUDGET.burst, atMs: nowMs };
      this.#ofAddresses.set(network, own);
    }
    for (const [budget, limits] of [
      [own, ADDRESS_BUDGET],
      [this.#ofWorker, WORKER_BUDGET],
    ] as const) {
      budget.left = Math.max(0, grown(budget, limits, nowMs) - 1);
      budget.atMs = nowMs;
    }
  }
}

function grown({ left, atMs }: Budget, { burst, perSecond }: typeof ADDRESS_BUDGET, nowMs: number): number {
  return Math.min(burst, left + ((nowMs - atMs) * perSecond) / 1000);
}

/** The whole token would keep it in memory. */
const digest = (authorization: string): string => hash('sha256', authorization, 'base64');

/** All addresses that one client can choose from. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: Math.max(0, IPV6_GROUPS - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, IPV6_NETWORK_GROUPS).join(':');
}

const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));

function tooManyRefused(): Problem {
  const detail =
    'Too many tokens from this address were not accepted; this one was not looked at. Send it again later.';
  return new Problem('rate_limited', detail, { retryAfterSeconds: 1 });
}
