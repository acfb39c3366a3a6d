/**
 * Owns publishing that may be believed: a promise that resolves means that the broker has the message in a queue. One
 * message at a time, because a message that finds no queue is returned without saying which publication it was; what
 * goes this way are exceptions.
 */
import type { Connection, Envelope, Publisher } from 'rabbitmq-client';
import { UnroutableError } from '../rabbitmq/publishing-channel.ts';

export class ConfirmedPublisher {
  readonly #publisher: Publisher;
  #last: Promise<unknown> = Promise.resolve();
  #returned = false;

  constructor(connection: Connection) {
    this.#publisher = connection.createPublisher({ confirm: true });
    this.#publisher.on('basic.return', () => (this.#returned = true));
  }

  /** @throws UnroutableError where no queue is bound; what the connection throws: then it may be in a queue, or not. */
  publish(envelope: Envelope, body: Buffer): Promise<void> {
    const turn = this.#last.then(() => this.#publish(envelope, body));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Confirmed, but it does not matter whether anybody is there. Any number at a time. */
  publishToAnybody(envelope: Envelope, body: Buffer): Promise<void> {
    return this.#publisher.send(envelope, body);
  }

  /** Waits for what was begun. */
  async close(): Promise<void> {
    await this.#last;
    await this.#publisher.close();
  }

  async #publish(envelope: Envelope, body: Buffer): Promise<void> {
    this.#returned = false;
    await this.#publisher.send({ ...envelope, mandatory: true }, body);
    // The client tells of a returned message a turn of the event loop later than of its confirm.
    await new Promise(setImmediate);
    if (this.#returned) {
      throw new UnroutableError(`no queue is bound for "${envelope.routingKey}" of "${envelope.exchange}"`);
    }
  }
}
