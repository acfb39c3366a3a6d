/**
 * Is this worker fit to take work? Pings the database now and then instead of at each question, so that a crowd of
 * probes costs nothing, and a database that hangs makes the answer "down" instead of late.
 */
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';

const PING_INTERVAL_MS = 1_000;
const PING_TIMEOUT_MS = 3_000;

export interface Check {
  readonly status: 'up' | 'down';
  readonly latencyMs?: number;
  /** ISO 8601: since when it has this status. */
  readonly since?: string;
  readonly detail?: string;
}

export interface WorkerHealthDeps {
  readonly clock: Clock;
  readonly ping: () => Promise<unknown>;
  /** Shards that should be served here and are not. */
  readonly shardsMissing: () => number;
}

export class WorkerHealth {
  readonly #deps: WorkerHealthDeps;
  readonly #timer: NodeJS.Timeout;
  #database: Check;
  #pinging = false;
  #draining = false;

  constructor(deps: WorkerHealthDeps) {
    this.#deps = deps;
    this.#database = { status: 'up', since: this.#nowText() };
    this.#timer = setInterval(() => void this.#ping(), PING_INTERVAL_MS);
    this.#timer.unref();
  }

  /** From now on `ready` is false: no new work is wanted. */
  drain(): void {
    this.#draining = true;
  }

  live(): { healthy: boolean; checks: Record<string, Check> } {
    return { healthy: true, checks: { process: { status: 'up' } } };
  }

  ready(): Promise<{ healthy: boolean; checks: Record<string, Check> }> {
    const missing = this.#deps.shardsMissing();
    const shards: Check =
      missing === 0 ? { status: 'up' } : { status: 'down', detail: `${missing} shards are being taken` };
    const worker: Check = this.#draining ? { status: 'down', detail: 'draining' } : { status: 'up' };
    const checks = { database: this.#database, shards, worker };
    return Promise.resolve({ healthy: Object.values(checks).every(({ status }) => status === 'up'), checks });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #ping(): Promise<void> {
    if (this.#pinging) return;
    this.#pinging = true;
    const { clock, ping } = this.#deps;
    const startedMs = clock.monotonicMs();
    // Taken away with the answer: it would find a later ping under way.
    const timeout = setTimeout(() => {
      this.#report({ status: 'down', detail: `no answer within ${PING_TIMEOUT_MS} ms` });
    }, PING_TIMEOUT_MS);
    try {
      await ping();
      this.#report({ status: 'up', latencyMs: Math.round((clock.monotonicMs() - startedMs) * 10) / 10 });
    } catch (error) {
      this.#report({ status: 'down', detail: messageOf(error) });
    } finally {
      clearTimeout(timeout);
      this.#pinging = false;
    }
  }

  #report(check: Check): void {
    const same = check.status === this.#database.status && this.#database.since !== undefined;
    this.#database = { ...check, since: same ? this.#database.since! : this.#nowText() };
  }

  #nowText(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString();
  }
}
