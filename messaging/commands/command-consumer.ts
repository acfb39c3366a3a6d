/**
 * Owns the consumer of commands: takes a bounded number of messages at a time from the queue, has each handled, and
 * reports to the broker what became of it. It finds its way back after an outage by itself; what was unanswered then comes
 * again.
 */
import { ConsumerStatus, type Connection, type Consumer } from 'rabbitmq-client';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { endsWithin } from '../../kernel/stop-order.ts';
import { brokerFailure } from '../rabbitmq/broker-failure.ts';
import { COMMANDS_QUEUE, ordersTopology } from '../rabbitmq/topology.ts';
import { CommandHandler, type CommandFigures, type Verdict } from './command-handler.ts';
import type { CommandPort } from './command-port.ts';
import { ConfirmedPublisher } from './confirmed-publisher.ts';
import { withGivenType, withRawBodies } from '../../patched/rabbitmq-raw-bodies.ts';

/** At a time and worker. A commit takes some milliseconds: that is thousands a second, and a bounded loss of time. */
const PREFETCH = 100;
/** The client tries again by itself, and reports its first failure only. */
const WATCH_INTERVAL_MS = 1_000;

const STATUS_OF: Readonly<Record<Verdict, ConsumerStatus>> = {
  acknowledge: ConsumerStatus.ACK,
  requeue: ConsumerStatus.REQUEUE,
  reject: ConsumerStatus.DROP,
};

export interface CommandConsumerDeps {
  readonly connection: Connection;
  readonly commands: CommandPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly prefetch?: number;
  /** Default: those of the topology. */
  readonly rungs?: readonly string[];
  /** An exchange, a queue or a binding may be gone. Called again while it is. */
  readonly onMissing?: () => void;
}

export class CommandConsumer {
  readonly #deps: CommandConsumerDeps;
  readonly #ending = new AbortController();
  readonly #publisher: ConfirmedPublisher;
  readonly #handler: CommandHandler;
  readonly #failure: LastingFailure;
  #consumer: Consumer | undefined;
  #watching: Timer | undefined;
  /** The broker has answered: with a consumer, or with a refusal. */
  #isAnswered = false;
  #reason = 'its queue gives out nothing';
  #inHand = 0;

  constructor(deps: CommandConsumerDeps) {
    const { connection, commands, clock, log, rungs = ordersTopology().retryRungs, onMissing } = deps;
    this.#deps = deps;
    this.#failure = new LastingFailure({
      what: 'commands by RabbitMQ are not consumed',
      remedy:
        'They wait. Look at the reason, at the rights of the user, and at "npm run -s topology -- verify"; ' +
        '"npm run -s topology -- apply" makes what is missing.',
      log,
      clock,
    });
    this.#publisher = new ConfirmedPublisher(connection, { clock, ...(onMissing && { onMissing }) });
    const pause = (ms: number): Promise<void> => clock.sleep(ms, { signal: this.#ending.signal });
    this.#handler = new CommandHandler({ commands, publisher: this.#publisher, clock, log, rungs, pause });
  }

  /** What keeps commands in the queue. */
  get failures(): readonly LastingFailure[] {
    return [this.#failure, ...this.#handler.failures];
  }

  get figures(): Readonly<CommandFigures & { readonly inHand: number }> {
    return { ...this.#handler.figures, inHand: this.#inHand };
  }

  /** In plain words, without names. */
  get trouble(): string | undefined {
    const isStopped = this.#isAnswered && this.#consumer?.consumerTag === '' && !this.#ending.signal.aborted;
    return isStopped ? 'no commands are taken from their queue' : undefined;
  }

  get isStarted(): boolean {
    return this.#consumer !== undefined;
  }

  /** Once the queue is there. It finds its way back by itself after an outage: a second start does nothing. */
  start(): void {
    if (this.#consumer || this.#ending.signal.aborted) return;
    const { connection, prefetch = PREFETCH } = this.#deps;
    const consumer = withRawBodies(connection).createConsumer(
      {
        queue: COMMANDS_QUEUE,
        // To declare it is the topology's: other arguments here would close the channel again and again.
        queueOptions: { passive: true },
        qos: { prefetchCount: prefetch },
        concurrency: prefetch,
        requeue: false,
      },
      async (message) => {
        this.#inHand++;
        try {
          return STATUS_OF[await this.#handler.handle(withGivenType(message))];
        } finally {
          this.#inHand--;
        }
      },
    );
    consumer.on('error', (error: unknown) => {
      this.#reason = brokerFailure(error).reason;
      this.#isAnswered = true;
      this.#failure.failed(this.#reason);
      if (this.trouble !== undefined && connection.ready) this.#deps.onMissing?.();
    });
    consumer.on('ready', () => {
      this.#isAnswered = true;
      this.#failure.succeeded();
    });
    this.#consumer = consumer;
    this.#watching = this.#deps.clock.every(WATCH_INTERVAL_MS, () => this.#watch(), { unref: true });
  }

  #watch(): void {
    if (this.trouble === undefined || !this.#deps.connection.ready) return;
    this.#failure.failed(this.#reason);
    this.#deps.onMissing?.();
  }

  /**
   * Takes no more, and resolves when what was taken is answered, or after the timeout: what is unanswered then comes
   * again, here or elsewhere. Close the connection after it, not before.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#ending.abort();
    this.#watching?.cancel();
    const drained = (async () => {
      await this.#consumer?.close();
      await this.#publisher.close();
    })().catch((error: unknown) =>
      this.#deps.log.warn({ reason: messageOf(error) }, 'the consumer of commands did not close in order'),
    );
    await endsWithin(drained, timeoutMs, this.#deps.clock);
  }
}
