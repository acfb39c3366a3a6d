/**
 * Decides when a worker may use the broker: it is connected, the virtual host is its deployment's, and its topology
 * stands. The topology is applied at each connection, because a broker may come back empty, and again when a part was
 * deleted: at once when a publisher or consumer calls `mend`, and at intervals for parts that only senders use. It may
 * be repeated, so all workers do it.
 */
import type { Logger } from 'pino';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import type { Broker } from './broker.ts';
import { brokerFailure } from './broker-failure.ts';
import { applyTopology, type Finding } from './declare-topology.ts';
import { holderOf } from './deployment-claim.ts';
import { CLAIM_EXCHANGE, EVENTS_EXCHANGE, type Topology } from './topology.ts';

const RETRY_MS = 1_000;
/** The host may be given to this deployment at any time, so it is asked again. */
const CLAIM_RETRY_MS = 5_000;
/**
 * How long senders wait for a deleted part that only they use. To apply an intact topology is a dozen small requests.
 */
const RENEW_MS = 15_000;
/** After so long without a mending, the next one does not wait. */
const MENDS_FORGOTTEN_MS = 60_000;

export interface PreparedBrokerOptions {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks for what only senders would miss. */
  readonly renewMs?: number;
}

export class PreparedBroker {
  readonly broker: Broker;
  readonly #topology: Topology;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #failure: LastingFailure;
  readonly #listeners = new Set<() => void>();
  readonly #refusedListeners = new Set<(refusal: string) => void>();
  /** Parts that stand with other arguments, as they were logged. */
  readonly #differences = new Set<string>();
  #stands = false;
  #renewing = false;
  #isMending = false;
  /** In a row. */
  #mends = 0;
  #mendedAtMs = -Infinity;
  /** The last try failed. */
  #failed = false;
  #refusal: string | undefined;
  /** Of the connection that the topology is applied over. */
  #attempt = 0;

  constructor(broker: Broker, { topology, clock, log, renewMs = RENEW_MS }: PreparedBrokerOptions) {
    this.broker = broker;
    this.#clock = clock;
    this.#topology = topology;
    this.#log = log;
    this.#failure = new LastingFailure({
      what: 'exchanges and queues could not be declared on RabbitMQ',
      remedy:
        'Messages wait. Look at the reason, at the rights of the user, and at "npm run -s topology -- verify"; ' +
        '"npm run -s topology -- apply" makes what is missing.',
      log,
      clock,
    });
    broker.onChange((state) => {
      if (state === 'down') this.#stands = this.#isMending = this.#failed = false;
      else if (state === 'up' && !this.#stands) void this.#prepare(++this.#attempt);
      else if (state === 'up') this.#tell();
    });
    clock.every(renewMs, () => void this.#renew(), { unref: true });
  }

  /** Why its topology does not stand. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  /** Messages may be published. */
  get isReady(): boolean {
    return this.#stands && this.broker.state === 'up';
  }

  /** In plain words, without names. */
  get trouble(): string | undefined {
    return this.#failed ? 'exchanges and queues could not be declared; messages wait' : undefined;
  }

  /**
   * A part of the topology may be gone. One mending at a time, with growing pauses: the part may be deleted again and
   * again, or belong to no topology of ours.
   */
  mend(): void {
    if (!this.#stands || this.#isMending) return;
    this.#isMending = true;
    const pausedMs = this.#clock.monotonicMs() - this.#mendedAtMs;
    if (pausedMs > MENDS_FORGOTTEN_MS) this.#mends = 0;
    const delayMs = this.#mends === 0 ? 0 : Math.max(0, backoffMs(this.#mends) - pausedMs);
    this.#mends++;
    this.#prepareLater(++this.#attempt, delayMs);
  }

  /** Why this deployment may not use the virtual host, and what helps. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Calls when the host turns out to be another deployment's. */
  onRefused(listener: (refusal: string) => void): void {
    this.#refusedListeners.add(listener);
  }

  /** Calls each time that it is ready, and now if it is. */
  onReady(listener: () => void): void {
    this.#listeners.add(listener);
    if (this.isReady) listener();
  }

  async #prepare(attempt: number): Promise<void> {
    try {
      const findings = await applyTopology(this.broker.connection, this.#topology);
      if (attempt !== this.#attempt || this.broker.state === 'down') return;
      const claim = findings.find(({ name, state }) => name === CLAIM_EXCHANGE && state === 'different');
      if (claim) return this.#refuse(await holderOf(this.broker.connection), attempt);
      this.#refusal = undefined;
      for (const finding of findings) if (finding.state === 'different') this.#sayDifferent(finding);
      const stood = this.#stands;
      this.#stands = true;
      this.#failed = false;
      this.#failure.succeeded();
      if (this.#isMending) this.#mendedAtMs = this.#clock.monotonicMs();
      this.#isMending = false;
      if (stood) this.#sayMade(findings);
      else this.#tell();
    } catch (error) {
      if (attempt !== this.#attempt || this.broker.state === 'down') return;
      this.#failed = true;
      this.#failure.failed(brokerFailure(error).reason);
      this.#isMending = this.#stands;
      this.#prepareLater(attempt, RETRY_MS);
    }
  }

  async #renew(): Promise<void> {
    if (!this.isReady || this.#renewing || this.#isMending) return;
    this.#renewing = true;
    await this.#prepare(this.#attempt);
    this.#renewing = false;
  }

  #sayMade(findings: readonly Finding[]): void {
    const made = findings.filter(({ state }) => state === 'created').map(({ kind, name }) => `${kind} ${name}`);
    if (made.length === 0) return;
    this.#log.warn(
      { made },
      'exchanges or queues were gone from RabbitMQ; they are made again, without what was in them',
    );
    if (made.includes(`exchange ${EVENTS_EXCHANGE}`))
      this.#log.warn(`readers must bind their queues to ${EVENTS_EXCHANGE} anew; until then their events are unrouted`);
  }

  #sayDifferent({ kind, name, detail }: Finding): void {
    const difference = `${name}: ${detail}`;
    if (this.#differences.has(difference)) return;
    this.#differences.add(difference);
    this.#log.error(
      { kind, name, detail },
      'an exchange or queue stands on RabbitMQ with other arguments, and is left as it is; see npm run topology',
    );
  }

  /** Logged once, then tried on: orders need no broker. */
  #refuse(holder: string | undefined, attempt: number): void {
    const refusal = refusalText(this.#topology, holder);
    this.#stands = this.#isMending = this.#failed = false;
    if (this.#refusal !== refusal) {
      this.#refusal = refusal;
      this.#log.error(refusal);
      for (const listener of this.#refusedListeners) listener(refusal);
    }
    this.#prepareLater(attempt, CLAIM_RETRY_MS);
  }

  #prepareLater(attempt: number, delayMs: number): void {
    const prepare = (): void => {
      if (attempt === this.#attempt && this.broker.state !== 'down') void this.#prepare(attempt);
    };
    this.#clock.after(delayMs, prepare, { unref: true });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function refusalText({ claim }: Topology, holder = 'unknown'): string {
  const own = claim?.arguments['alternate-exchange'];
  return (
    `the virtual host of AMQP_URL belongs to deployment ${holder}, and this database is deployment ${own}: ` +
    `no events are published and no commands taken. Give it a virtual host of its own in AMQP_URL, or, when the other ` +
    `is gone for good: npm run -s topology -- take-over --from ${holder}`
  );
}
