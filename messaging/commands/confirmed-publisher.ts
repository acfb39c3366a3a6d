/**
 * Owns publishing that may be believed: a promise that resolves means that the broker has the message in a queue. One
 * message at a time, because a message that finds no queue is returned without saying which publication it was; what
 * goes this way are exceptions. A confirm that does not come in time is lost: the channel is replaced, for it holds what
 * waits for the confirm.
 */
import type { Connection, Envelope, Publisher } from 'rabbitmq-client';
import type { Clock } from '../../kernel/clock.ts';
import { endsWithin } from '../../kernel/stop-order.ts';
import { tellsOfMissingPart } from '../rabbitmq/missing-part.ts';
import { CONFIRM_TIMEOUT_MS, ConfirmTimeoutError, UnroutableError } from '../rabbitmq/publishing-channel.ts';

export interface ConfirmedPublisherOptions {
  readonly clock: Clock;
  readonly confirmTimeoutMs?: number;
  /** An exchange or a queue was not there. */
  readonly onMissing?: () => void;
}

export class ConfirmedPublisher {
  readonly #connection: Connection;
  readonly #confirmTimeoutMs: number;
  readonly #onMissing: () => void;
  readonly #clock: Clock;
  #publisher: Publisher;
  #last: Promise<unknown> = Promise.resolve();
  #returned = false;

  constructor(connection: Connection, options: ConfirmedPublisherOptions) {
    const { clock, confirmTimeoutMs = CONFIRM_TIMEOUT_MS, onMissing = () => undefined } = options;
    this.#clock = clock;
    this.#connection = connection;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#onMissing = onMissing;
    this.#publisher = this.#create();
  }

  /**
   * @throws UnroutableError where no queue is bound; ConfirmTimeoutError, and what the connection throws: then it may be
   *   in a queue, or not.
   */
  publish(envelope: Envelope, body: Buffer): Promise<void> {
    const turn = this.#last.then(() => this.#publish(envelope, body));
    this.#last = turn.catch((error: unknown) => {
      if (tellsOfMissingPart(error)) this.#onMissing();
    });
    return turn;
  }

  /** Confirmed also where no queue takes it. Any number at a time. */
  publishIfRouted(envelope: Envelope, body: Buffer): Promise<void> {
    return this.#send(envelope, body);
  }

  /** Waits for what was begun. */
  async close(): Promise<void> {
    await this.#last;
    await this.#publisher.close();
  }

  #create(): Publisher {
    const publisher = this.#connection.createPublisher({ confirm: true });
    publisher.on('basic.return', () => (this.#returned ||= publisher === this.#publisher));
    return publisher;
  }

  async #send(envelope: Envelope, body: Buffer): Promise<void> {
    const publisher = this.#publisher;
    const sent = publisher.send(envelope, body);
    const isInTime = await endsWithin(sent, this.#confirmTimeoutMs, this.#clock);
    try {
      if (!isInTime) throw new ConfirmTimeoutError(this.#confirmTimeoutMs);
      await sent;
    } catch (error) {
      sent.catch(() => undefined); // ends with its channel, after it was given up here
      if (error instanceof ConfirmTimeoutError && publisher === this.#publisher) {
        this.#publisher = this.#create();
        publisher.close().catch(() => undefined);
      }
      throw error;
    }
  }

  async #publish(envelope: Envelope, body: Buffer): Promise<void> {
    this.#returned = false;
    await this.#send({ ...envelope, mandatory: true }, body);
    // The client reports a returned message a turn of the event loop later than its confirm.
    await this.#clock.nextTurn();
    if (this.#returned) {
      throw new UnroutableError(`no queue is bound for "${envelope.routingKey}" of "${envelope.exchange}"`);
    }
  }
}
