/** Publishes events so that a resolved promise means: the broker has it for good, in a queue or as unrouted. */
import type { Socket } from 'node:net';
import type { Connection, Publisher, ReturnedMessage } from 'rabbitmq-client';
import { APP_ID, CONTENT_TYPE, type PublicMessage } from '../contracts/public-message.ts';
import { EVENTS_EXCHANGE } from '../rabbitmq/topology.ts';

/** Where messages go: the events' exchange by their routing keys, or a queue of somebody's own (a replay). */
export type Destination = { readonly exchange: string } | { readonly queue: string };

/** Nobody waits for an event as for an answer. */
const GATHER_MS = 50;

/** The client writes each message to its socket at once. A newer one that keeps its socket elsewhere only costs speed. */
type WithSocket = Connection & { readonly _socket?: Socket };

/** The connection must be its own: whatever else goes over it waits with the events. */
export class EventPublisher {
  readonly #connection: WithSocket;
  readonly #destination: Destination;
  readonly #publisher: Publisher;
  /** Came back from the broker as unroutable; told apart by their message ids. */
  readonly #returned = new Set<string>();
  #gathering = false;

  constructor(connection: Connection, destination: Destination = { exchange: EVENTS_EXCHANGE }) {
    this.#connection = connection;
    this.#destination = destination;
    this.#publisher = connection.createPublisher({ confirm: true });
    this.#publisher.on('basic.return', ({ messageId }: ReturnedMessage) => {
      if (messageId !== undefined) this.#returned.add(messageId);
    });
  }

  /** @throws when the broker refused it, returned it, or is gone: then it may have it or not. */
  async publish(message: PublicMessage): Promise<void> {
    const { routingKey, messageId, correlationId, timestampSeconds, headers, body } = message;
    const destination = this.#destination;
    this.#gather();
    await this.#publisher.send(
      {
        ...('queue' in destination
          ? { routingKey: destination.queue }
          : { exchange: destination.exchange, routingKey }),
        type: routingKey,
        messageId,
        ...(correlationId !== undefined && { correlationId }),
        appId: APP_ID,
        contentType: CONTENT_TYPE,
        timestamp: timestampSeconds,
        durable: true,
        mandatory: true,
        headers,
      },
      Buffer.from(body),
    );
    // The client tells of a returned message a turn of the event loop after it has resolved its confirm.
    await new Promise(setImmediate);
    if (this.#returned.delete(messageId)) throw new Error(`${routingKey}: no queue takes it`);
  }

  /** What is published within a few milliseconds goes in one write: it spares both ends most of their system calls. */
  #gather(): void {
    const socket = this.#connection._socket;
    if (this.#gathering || socket === undefined) return;
    this.#gathering = true;
    socket.cork();
    setTimeout(() => {
      this.#gathering = false;
      socket.uncork();
    }, GATHER_MS);
  }

  /** Begins to; the broker's own end waits for it, and not for ever. */
  close(): void {
    this.#publisher.close().catch(() => undefined); // there was no connection to close
  }
}
