/**
 * Should requests be sent here? Not: is all as it should be. What is down makes the answer no; what is degraded is for
 * people, while requests succeed: shards between two owners, a peer that others serve for, a broker that is away.
 *
 * Pings the database now and then instead of at each question, so that a crowd of probes costs nothing, and a database
 * that hangs makes the answer "down" instead of late.
 */
import type { Clock, Timer } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { AnswerShare, type AnswerCounts } from './answer-share.ts';
import { CLOCK_SKEW_WARN_MS } from '../runtime/sharding/ownership.ts';
import { isHealthy, type Check } from './worker-report.ts';

const PING_INTERVAL_MS = 1_000;
const PING_TIMEOUT_MS = 3_000;

/** Rows that wait longer for their commit than any append should take. */
const JOURNAL_STALLED_MS = 2_000;
/** Rows: minutes of a full load. Less is what a restart of the broker leaves. */
const RELAY_LAG_ROWS = 1_000_000;
/** By then a restart of the broker is over, and a lost confirm has led to another try. */
const RELAY_LAG_MS = 60_000;
/** Read models so far behind can't be written. */
const PROJECTIONS_LAG_MS = 10_000;

/** Asks wait for a shard's next owner; a hand-over, or the death of a worker, takes less. */
const UNSERVED_DEGRADED_MS = 1_000;
/** With half of the shards unserved for so long most orders fail: each needs several. */
const UNSERVED_DOWN_MS = 3_000;

export interface WorkerHealthDeps {
  readonly clock: Clock;
  readonly ping: () => Promise<unknown>;
  readonly shards: number;
  /** Of all nodes: without an owner, or not served yet by this worker that owns them. */
  readonly shardsUnserved: () => number;
  /** `isCutOff`: the workers that serve and this one don't reach each other. `unreached`: who, and why; or empty. */
  readonly peers: () => { readonly isCutOff: boolean; readonly unreached: string };
  /** The edge's answers. */
  readonly answers: () => AnswerCounts;
  /** False: the others may regard this worker as dead. */
  readonly leaseValid: () => boolean;
  /** How long decided rows have waited without any commit. */
  readonly journalStalledMs: () => number;
  /** The database's clock before this machine's. */
  readonly clockSkewMs: () => number;
  /** How far the read models are behind. */
  readonly projectionsLagMs: () => number;
  /** Retries that last, in words without names. */
  readonly failing: () => readonly string[];
  /** Absent: there is no broker to be had. */
  readonly broker?: {
    readonly state: () => 'up' | 'blocked' | 'down';
    /** Rows whose events are not published yet, and how long the oldest waits. */
    readonly lag: () => { readonly lagRows: number; readonly lagMs: number };
    /** Why this deployment may not use the virtual host. */
    readonly refusal: () => string | undefined;
    /** What the broker does not do though it is connected, in words: take events, or give out commands. */
    readonly trouble: () => string | undefined;
  };
}

export class WorkerHealth {
  readonly #deps: WorkerHealthDeps;
  readonly #timer: Timer;
  #database: Check;
  readonly #since = new Map<string, { readonly status: Check['status']; readonly since: string }>();
  readonly #answers: AnswerShare;
  /** Monotonic ms. */
  #unservedSinceMs: number | undefined;
  #halfSinceMs: number | undefined;
  #pinging = false;
  #retiring = false;

  constructor(deps: WorkerHealthDeps) {
    this.#deps = deps;
    this.#database = { status: 'up', since: this.#nowText() };
    this.#answers = new AnswerShare(deps.answers);
    const look = (): void => {
      this.#answers.look();
      void this.#ping();
    };
    this.#timer = deps.clock.every(PING_INTERVAL_MS, look, { unref: true });
  }

  /**
   * From now on `ready` is false: the node ends. The end of one worker is not reported: the others take its requests.
   */
  retire(): void {
    this.#retiring = true;
  }

  live(): { healthy: boolean; checks: Record<string, Check> } {
    return { healthy: true, checks: { process: { status: 'up' } } };
  }

  ready(): Promise<{ healthy: boolean; checks: Record<string, Check> }> {
    const checks = this.checks();
    return Promise.resolve({ healthy: isHealthy(checks), checks });
  }

  checks(): Record<string, Check> {
    const { leaseValid, journalStalledMs, projectionsLagMs } = this.#deps;
    const stalledMs = journalStalledMs();
    const stalled = stalledMs > JOURNAL_STALLED_MS;
    const lagMs = projectionsLagMs();
    const lagging = lagMs > PROJECTIONS_LAG_MS;
    const checks = {
      shards: this.#shardsCheck(),
      peers: this.#peersCheck(),
      requests: this.#requestsCheck(),
      lease: this.#check(leaseValid() ? undefined : 'the lease could not be renewed', 'lease'),
      journal: this.#check(stalled ? `no commit for ${stalledMs} ms` : undefined, 'journal'),
      projections: this.#check(lagging ? `${lagMs} ms behind the journal` : undefined, 'projections'),
      failing: this.#failingCheck(),
      worker: this.#check(this.#retiring ? 'draining' : undefined, 'worker'),
    };
    return { database: this.#database, ...checks, clock: this.#clockCheck(), ...this.#brokerCheck() };
  }

  /** The reasons stand in the worker's report only, because they may quote stored values. */
  #failingCheck(): Check {
    const failing = [...new Set(this.#deps.failing())];
    return this.#check(failing.length > 0 ? failing.join('; ') : undefined, 'failing', 'degraded');
  }

  /** Deadlines are this machine's, leases the database's. */
  #clockCheck(): Check {
    const skewMs = this.#deps.clockSkewMs();
    const apart = Math.abs(skewMs) > CLOCK_SKEW_WARN_MS;
    const detail = `${Math.abs(skewMs)} ms ${skewMs > 0 ? 'behind' : 'ahead of'} the database's clock`;
    return this.#check(apart ? detail : undefined, 'clock', 'degraded');
  }

  /** Asked at least twice a second, by the report to the primary. */
  #shardsCheck(): Check {
    const now = this.#deps.clock.monotonicMs();
    const unserved = this.#deps.shardsUnserved();
    this.#unservedSinceMs = unserved > 0 ? (this.#unservedSinceMs ?? now) : undefined;
    this.#halfSinceMs = unserved * 2 >= this.#deps.shards ? (this.#halfSinceMs ?? now) : undefined;
    const isLong = (sinceMs: number | undefined, ms: number): boolean => sinceMs !== undefined && now - sinceMs >= ms;
    const detail = `${unserved} of ${this.#deps.shards} shards are not served`;
    if (isLong(this.#halfSinceMs, UNSERVED_DOWN_MS)) return this.#check(detail, 'shards');
    return this.#check(isLong(this.#unservedSinceMs, UNSERVED_DEGRADED_MS) ? detail : undefined, 'shards', 'degraded');
  }

  #peersCheck(): Check {
    const { isCutOff, unreached } = this.#deps.peers();
    if (isCutOff) {
      const whom = unreached === '' ? 'the workers that serve' : unreached;
      return this.#check(`this worker is cut off from ${whom}; they serve all shards`, 'peers');
    }
    return this.#check(unreached === '' ? undefined : `out of reach: ${unreached}`, 'peers', 'degraded');
  }

  #requestsCheck(): Check {
    const { status, detail } = this.#answers;
    return status === 'up' ? this.#check(undefined, 'requests') : this.#check(detail, 'requests', status);
  }

  /** Orders need no broker: without one their messages wait. */
  #brokerCheck(): Record<string, Check> {
    const { broker } = this.#deps;
    if (!broker) return {};
    const state = broker.state();
    const { lagRows, lagMs } = broker.lag();
    const away = state === 'down' ? 'no connection; events wait' : 'it takes no messages for now; events wait';
    const isLagging = lagRows > RELAY_LAG_ROWS || lagMs > RELAY_LAG_MS;
    const lagging = isLagging ? `${lagRows} rows wait to be published, the oldest for ${lagMs} ms` : undefined;
    const problem = state === 'up' ? (broker.refusal() ?? broker.trouble() ?? lagging) : away;
    return { broker: this.#check(problem, 'broker', 'degraded') };
  }

  #check(problem: string | undefined, name: string, otherwise: 'down' | 'degraded' = 'down'): Check {
    const status = problem === undefined ? 'up' : otherwise;
    const known = this.#since.get(name);
    const since = known?.status === status ? known.since : this.#nowText();
    this.#since.set(name, { status, since });
    return { status, since, ...(problem !== undefined && { detail: problem }) };
  }

  stop(): void {
    this.#timer.cancel();
  }

  async #ping(): Promise<void> {
    if (this.#pinging) return;
    this.#pinging = true;
    const { clock, ping } = this.#deps;
    const startedMs = clock.monotonicMs();
    // Taken away with the answer: it would find a later ping under way.
    const timeout = clock.after(PING_TIMEOUT_MS, () => {
      this.#report({ status: 'down', detail: `no answer within ${PING_TIMEOUT_MS} ms` });
    });
    try {
      await ping();
      this.#report({ status: 'up', latencyMs: Math.round((clock.monotonicMs() - startedMs) * 10) / 10 });
    } catch (error) {
      this.#report({ status: 'down', detail: messageOf(error) });
    } finally {
      timeout.cancel();
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
