/**
 * Owns when a worker may use the broker: it is connected, and its topology stands. Applied at each connection, because a
 * broker may come back empty; twice is as good as once, so all workers do it.
 */
import type { Logger } from 'pino';
import type { Broker } from './broker.ts';
import { brokerFailure } from './broker-failure.ts';
import { applyTopology } from './declare-topology.ts';
import type { Topology } from './topology.ts';

const RETRY_MS = 1_000;

export class PreparedBroker {
  readonly broker: Broker;
  readonly #topology: Topology;
  readonly #log: Logger;
  readonly #listeners = new Set<() => void>();
  #stands = false;
  /** Of the connection that the topology is applied over. */
  #attempt = 0;

  constructor(broker: Broker, topology: Topology, log: Logger) {
    this.broker = broker;
    this.#topology = topology;
    this.#log = log;
    broker.onChange((state) => {
      if (state === 'down') this.#stands = false;
      else if (state === 'up' && !this.#stands) void this.#prepare(++this.#attempt);
      else if (state === 'up') this.#tell();
    });
  }

  /** Messages may be published. */
  get isReady(): boolean {
    return this.#stands && this.broker.state === 'up';
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
      for (const { kind, name, state, detail } of findings)
        if (state === 'different')
          this.#log.error(
            { kind, name, detail },
            'an exchange or queue stands on RabbitMQ with other arguments, and is left as it is; see npm run topology',
          );
      this.#stands = true;
      this.#tell();
    } catch (error) {
      this.#log.warn(
        { reason: brokerFailure(error).reason },
        'exchanges and queues could not be declared on RabbitMQ; trying again',
      );
      setTimeout(() => {
        if (attempt === this.#attempt && this.broker.state !== 'down') void this.#prepare(attempt);
      }, RETRY_MS).unref();
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
