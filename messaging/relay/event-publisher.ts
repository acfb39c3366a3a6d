/** Publishes events so that a confirm means: the broker has it for good, in a queue or as unrouted. */
import type { Connection } from 'rabbitmq-client';
import { APP_ID, CONTENT_TYPE, type PublicMessage } from '../contracts/public-message.ts';
import type { Publication } from '../rabbitmq/publication.ts';
import { PublishingChannel, type Confirm } from '../rabbitmq/publishing-channel.ts';
import { EVENTS_EXCHANGE } from '../rabbitmq/topology.ts';

/** Where messages go: the events' exchange by their routing keys, or a queue of somebody's own (a replay). */
export type Destination = { readonly exchange: string } | { readonly queue: string };

interface Gathered {
  readonly publication: Publication;
  readonly confirm: Confirm;
}

/** What is published in one turn of the event loop leaves in one write. The connection is best its own: writes are large. */
export class EventPublisher {
  readonly #connection: Connection;
  readonly #destination: Destination;
  #channel: PublishingChannel | undefined;
  #writing: NodeJS.Immediate | undefined;
  /** Came while there was no channel. */
  #waiting: Gathered[] = [];
  #opening: Promise<void> | undefined;

  constructor(connection: Connection, destination: Destination = { exchange: EVENTS_EXCHANGE }) {
    this.#connection = connection;
    this.#destination = destination;
  }

  /** `confirm` hears of it once: rejected when the broker refused it, returned it, or is gone; then it may have it or not. */
  publish(message: PublicMessage, confirm: Confirm): void {
    this.#add({ publication: this.#publicationOf(message), confirm });
  }

  /** Begins to; the broker's own end waits for it, and not for ever. What is not written yet is not any more. */
  close(): void {
    clearImmediate(this.#writing);
    for (const { confirm } of this.#waiting.splice(0)) confirm.reject(new Error('the publisher is closed'));
    this.#channel?.close().catch(() => undefined); // there was no connection to close
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
      this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    }
  }

  #addTo(channel: PublishingChannel, { publication, confirm }: Gathered): void {
    channel.add(publication, confirm);
    this.#writing ??= setImmediate(() => {
      this.#writing = undefined;
      this.#channel?.write();
    });
  }

  async #open(): Promise<void> {
    try {
      const channel = (this.#channel = await PublishingChannel.open(this.#connection));
      for (const gathered of this.#waiting.splice(0)) this.#addTo(channel, gathered);
    } catch (error) {
      for (const { confirm } of this.#waiting.splice(0)) confirm.reject(error);
    }
  }
}
