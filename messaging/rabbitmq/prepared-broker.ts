/**
 * Owns when a worker may use the broker: it is connected, the virtual host is its deployment's, and its topology stands.
 * Applied at each connection, because a broker may come back empty, and again now and then, because somebody may delete
 * a part of it; twice is as good as once, so all workers do it.
 */
import type { Logger } from 'pino';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import type { Broker } from './broker.ts';
import { brokerFailure } from './broker-failure.ts';
import { applyTopology, type Finding } from './declare-topology.ts';
import { holderOf } from './deployment-claim.ts';
import { CLAIM_EXCHANGE, type Topology } from './topology.ts';

const RETRY_MS = 1_000;
/** The host may be given to this deployment at any time. */
const CLAIM_RETRY_MS = 5_000;
/** How long messages wait for a part that was deleted. To apply what stands is a dozen small requests. */
const RENEW_MS = 15_000;

export class PreparedBroker {
  readonly broker: Broker;
  readonly #topology: Topology;
  readonly #log: Logger;
  readonly #failure: LastingFailure;
  readonly #listeners = new Set<() => void>();
  readonly #refusedListeners = new Set<(refusal: string) => void>();
  /** Parts that stand with other arguments, as they were said. */
  readonly #differences = new Set<string>();
  #stands = false;
  #renewing = false;
  #refusal: string | undefined;
  /** Of the connection that the topology is applied over. */
  #attempt = 0;

  constructor(broker: Broker, topology: Topology, log: Logger, renewMs = RENEW_MS) {
    this.broker = broker;
    this.#topology = topology;
    this.#log = log;
    this.#failure = new LastingFailure({
      what: 'exchanges and queues could not be declared on RabbitMQ',
      remedy: 'Messages wait. Look at the reason, at the rights of the user, and at "npm run -s topology -- verify".',
      log,
      monotonicMs: () => performance.now(),
    });
    broker.onChange((state) => {
      if (state === 'down') this.#stands = false;
      else if (state === 'up' && !this.#stands) void this.#prepare(++this.#attempt);
      else if (state === 'up') this.#tell();
    });
    setInterval(() => void this.#renew(), renewMs).unref();
  }

  /** What keeps its topology from standing. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  /** Messages may be published. */
  get isReady(): boolean {
    return this.#stands && this.broker.state === 'up';
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
      this.#failure.succeeded();
      if (!stood) this.#tell();
    } catch (error) {
      this.#failure.failed(brokerFailure(error).reason);
      if (!this.#stands) this.#prepareLater(attempt, RETRY_MS); // else the next look is as good
    }
  }

  async #renew(): Promise<void> {
    if (!this.isReady || this.#renewing) return;
    this.#renewing = true;
    await this.#prepare(this.#attempt);
    this.#renewing = false;
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

  /** Said once, tried on: orders need no broker. */
  #refuse(holder: string | undefined, attempt: number): void {
    const refusal = refusalText(this.#topology, holder);
    this.#stands = false;
    if (this.#refusal !== refusal) {
      this.#refusal = refusal;
      this.#log.error(refusal);
      for (const listener of this.#refusedListeners) listener(refusal);
    }
    this.#prepareLater(attempt, CLAIM_RETRY_MS);
  }

  #prepareLater(attempt: number, delayMs: number): void {
    setTimeout(() => {
      if (attempt === this.#attempt && this.broker.state !== 'down') void this.#prepare(attempt);
    }, delayMs).unref();
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
