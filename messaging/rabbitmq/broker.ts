/**
 * A process's connection to RabbitMQ: opens it, reopens it for as long as the process lives, and reports its state. It
 * does not wait for a broker that is away; the publishers do.
 */
import type { Logger } from 'pino';
import { Connection } from 'rabbitmq-client';
import type { Clock } from '../../kernel/clock.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { endsWithin } from '../../kernel/stop-order.ts';
import { brokerFailure } from './broker-failure.ts';

/**
 * The size of the protocol's frames: RabbitMQ's own limit. The client's default would cut batches into pieces of 8 KiB.
 */
const FRAME_BYTES_MAX = 131_072;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that is silent for twice as long is gone. */
const HEARTBEAT_SECONDS = 10;
/** Publishers check first that the broker is there; this limits a wait that they can't foresee. */
const ACQUIRE_TIMEOUT_MS = 5_000;

export type BrokerState = 'up' | 'blocked' | 'down';

export interface BrokerOptions {
  /** May hold a password: it is never logged. */
  readonly url: string;
  /** Shows in the broker's list of connections. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Broker {
  /** For publishers and consumers, which recover from an outage by themselves. */
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #listeners = new Set<(state: BrokerState) => void>();
  #state: BrokerState = 'down';
  readonly #failure: LastingFailure;

  constructor({ url, name, clock, log }: BrokerOptions) {
    this.#clock = clock;
    this.#failure = new LastingFailure({
      what: 'RabbitMQ can not be used',
      remedy: 'Events wait, orders do not. Look at the reason, at AMQP_URL, and at the broker.',
      log,
      clock,
    });
    this.connection = new Connection({
      url,
      connectionName: name,
      frameMax: FRAME_BYTES_MAX,
      heartbeat: HEARTBEAT_SECONDS,
      retryLow: RETRY_MS_MIN,
      retryHigh: RETRY_MS_MAX,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      acquireTimeout: ACQUIRE_TIMEOUT_MS,
      noDelay: true,
    });
    this.connection.on('connection', () => {
      log.info('connected to RabbitMQ');
      this.#failure.succeeded();
      this.#become('up');
    });
    this.connection.on('connection.blocked', (reason) => {
      log.warn({ reason }, 'RabbitMQ blocks publishers for now; events wait');
      this.#become('blocked');
    });
    this.connection.on('connection.unblocked', () => {
      log.info('RabbitMQ takes messages again');
      this.#become('up');
    });
    this.connection.on('error', (error: unknown) => {
      const { reason } = brokerFailure(error);
      if (this.connection.ready) return log.warn({ reason }, 'RabbitMQ reports an error');
      this.#failure.failed(reason);
      this.#become('down');
    });
  }

  /** Why it is not connected. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure];
  }

  get state(): BrokerState {
    return this.#state;
  }

  onChange(listener: (state: BrokerState) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the connection once its channels are closed; after the timeout it is cut off. */
  async close(timeoutMs = 2_000): Promise<void> {
    this.#listeners.clear();
    const closed = this.connection.close();
    // A connection that is cut off while it closes never says that it has closed.
    if (!(await endsWithin(closed, timeoutMs, this.#clock))) return this.connection.unsafeDestroy();
    await closed;
  }

  #become(state: BrokerState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
