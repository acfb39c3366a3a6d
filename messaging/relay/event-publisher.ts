/** Publishes events so that a confirm means: the broker has it for good, in a queue or as unrouted. */
import type { Connection } from 'rabbitmq-client';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { APP_ID, CONTENT_TYPE, type PublicMessage } from '../contracts/public-message.ts';
import type { Publication } from '../rabbitmq/publication.ts';
import {
  CONFIRM_TIMEOUT_MS,
  ConfirmTimeoutError,
  PublishingChannel,
  type Confirm,
} from '../rabbitmq/publishing-channel.ts';
import { EVENTS_EXCHANGE, UNROUTED } from '../rabbitmq/topology.ts';

/** Where messages go: the events' exchange by their routing keys, or a single queue (a replay). */
export type Destination = { readonly exchange: string } | { readonly queue: string };

interface Gathered {
  readonly publication: Publication;
  readonly confirm: Confirm;
}

export interface EventPublisherOptions {
  /** Default: the exchange of the events. */
  readonly destination?: Destination;
  readonly clock: Clock;
  /** Default: CONFIRM_TIMEOUT_MS. */
  readonly confirmTimeoutMs?: number;
}

/** How often the deadline of the confirms is looked at, a fraction of it: looking costs nothing, and delays its end. */
const LOOKS_PER_TIMEOUT = 30;

/**
 * What is published in one turn of the event loop leaves in one write. The connection is best its own: writes are large.
 * What is not confirmed in time is rejected, and the channel replaced, because a confirm may be lost without a word.
 */
export class EventPublisher {
  readonly #connection: Connection;
  readonly #destination: Destination;
  readonly #clock: Clock;
  readonly #confirmTimeoutMs: number;
  readonly #looking: Timer;
  #channel: PublishingChannel | undefined;
  #writing = false;
  /** Came while there was no channel. */
  #waiting: Gathered[] = [];
  #opening: { readonly sinceMs: number } | undefined;

  constructor(connection: Connection, options: EventPublisherOptions) {
    const { destination = { exchange: EVENTS_EXCHANGE }, clock, confirmTimeoutMs = CONFIRM_TIMEOUT_MS } = options;
    this.#connection = connection;
    this.#destination = destination;
    this.#clock = clock;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#looking = clock.every(confirmTimeoutMs / LOOKS_PER_TIMEOUT, () => this.#look(), { unref: true });
  }

  /** `confirm` hears of it once: rejected when the broker refused it, returned it, or is gone; then it may have it or not. */
  publish(message: PublicMessage, confirm: Confirm): void {
    this.#add({ publication: this.#publicationOf(message), confirm });
  }

  /**
   * For what was returned. The alternate exchange takes only what no binding matches, and an exchange that is bound to
   * the events' matches with no queue behind it.
   */
  publishUnrouted(message: PublicMessage, confirm: Confirm): void {
    this.#add({ publication: { ...this.#publicationOf(message), exchange: UNROUTED }, confirm });
  }

  /** Begins to close; the broker's own end waits for it for a bounded time. Unwritten messages are dropped. */
  close(): void {
    this.#looking.cancel();
    for (const { confirm } of this.#waiting.splice(0)) confirm.reject(new Error('the publisher is closed'));
    this.#channel?.close().catch(() => undefined); // there was no connection to close
    this.#channel = undefined;
  }

  #publicationOf({ routingKey, messageId, correlationId, timestampSeconds, headers, body }: PublicMessage) {
    const destination = this.#destination;
    return {
      exchange: 'queue' in destination ? '' : destination.exchange,
      routingKey: 'queue' in destination ? destination.queue : routingKey,
      type: routingKey,
      messageId,
      correlationId,
      appId: APP_ID,
      contentType: CONTENT_TYPE,
      timestampSeconds,
      headers,
      body,
    };
  }

  #add(gathered: Gathered): void {
    if (this.#channel?.isOpen === true) {
      this.#addTo(this.#channel, gathered);
    } else {
      this.#waiting.push(gathered);
      if (!this.#opening) void this.#open((this.#opening = { sinceMs: this.#clock.monotonicMs() }));
    }
  }

  #addTo(channel: PublishingChannel, { publication, confirm }: Gathered): void {
    channel.add(publication, confirm);
    if (this.#writing) return;
    this.#writing = true;
    this.#clock.soon(() => {
      this.#writing = false;
      this.#channel?.write();
    });
  }

  /** @param opening this attempt; another one takes its place when it takes too long. */
  async #open(opening: object): Promise<void> {
    try {
      const channel = await PublishingChannel.open(this.#connection, this.#clock);
      if (this.#opening !== opening) return void channel.close().catch(() => undefined);
      this.#opening = undefined;
      this.#channel = channel;
      for (const gathered of this.#waiting.splice(0)) this.#addTo(channel, gathered);
    } catch (error) {
      if (this.#opening === opening) this.#openingFailed(error);
    }
  }

  #openingFailed(error: unknown): void {
    this.#opening = undefined;
    for (const { confirm } of this.#waiting.splice(0)) confirm.reject(error);
  }

  #look(): void {
    const timeoutMs = this.#confirmTimeoutMs;
    if (this.#channel && this.#channel.oldestUnconfirmedMs > timeoutMs) {
      const channel = this.#channel;
      this.#channel = undefined;
      channel.abandon(new ConfirmTimeoutError(timeoutMs));
    }
    if (this.#opening && this.#clock.monotonicMs() - this.#opening.sinceMs > timeoutMs)
      this.#openingFailed(new ConfirmTimeoutError(timeoutMs));
  }
}
