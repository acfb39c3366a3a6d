/**
 * One command by message and its outcome, as an integrator sends it: published with a confirm, answered in a queue of
 * the sender's own. A reply may be lost with that queue; then the outcome is unknown, and the message may be sent
 * again. It talks to the broker directly and shares no code with the runtime.
 */
import { randomUUID } from 'node:crypto';
import { type AsyncMessage, Connection, type Consumer, type Publisher } from 'rabbitmq-client';
import type { Reply } from './http-client.ts';

const COMMANDS_EXCHANGE = 'orders.commands';
/** As long as an HTTP client waits. */
const TIMEOUT_MS = 25_000;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 1_000;
const STATUS_OK = 200;

export interface CommandMessage {
  readonly routingKey: string;
  /** The command's id: sent again, it has one effect. */
  readonly messageId: string;
  readonly body: unknown;
}

interface Outcome {
  readonly ok: boolean;
  readonly order?: unknown;
  readonly problem?: { readonly status?: number };
}

export class MessageClient {
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #consumer: Consumer;
  readonly #user: string;
  readonly #replyTo: string;
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();

  /** @param user of `url`; the broker checks that messages which name it come from it. */
  constructor(url: string, user: string) {
    this.#user = user;
    this.#replyTo = `${user}.replies.${randomUUID()}`;
    this.#connection = new Connection({
      url,
      connectionName: 'chaos/sender',
      retryLow: RECONNECT_MS_MIN,
      retryHigh: RECONNECT_MS_MAX,
      acquireTimeout: TIMEOUT_MS,
    });
    // Each message that can't be sent says so itself.
    this.#connection.on('error', () => undefined);
    this.#publisher = this.#connection.createPublisher({ confirm: true });
    this.#consumer = this.#connection.createConsumer(
      { queue: this.#replyTo, queueOptions: { exclusive: true, autoDelete: true }, noAck: true },
      (message) => this.#answered(message),
    );
    this.#consumer.on('error', () => undefined);
  }

  /** Sends it once, or twice at once. Resolves with the outcome, in the form of the same over HTTP. */
  send(message: CommandMessage, isDoubled: boolean): Promise<Reply> {
    return new Promise((resolve) => {
      const correlationId = randomUUID();
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        this.#waiting.delete(correlationId);
        resolve(reply);
      };
      const timer = setTimeout(() => settle({ kind: 'lost', reason: 'no outcome in time' }), TIMEOUT_MS);
      this.#waiting.set(correlationId, ({ ok, order, problem }) =>
        settle({ kind: 'answer', status: ok ? STATUS_OK : (problem?.status ?? 0), body: ok ? order : problem }),
      );
      for (let copy = 0; copy < (isDoubled ? 2 : 1); copy++) {
        this.#publish(message, correlationId).catch((error: unknown) =>
          settle({ kind: 'lost', reason: String(error) }),
        );
      }
    });
  }

  close(): void {
    this.#connection.unsafeDestroy();
  }

  async #publish({ routingKey, messageId, body }: CommandMessage, correlationId: string): Promise<void> {
    const envelope = {
      exchange: COMMANDS_EXCHANGE,
      routingKey,
      messageId,
      correlationId,
      replyTo: this.#replyTo,
      userId: this.#user,
      contentType: 'application/json',
      durable: true,
    };
    await this.#publisher.send(envelope, Buffer.from(JSON.stringify(body)));
  }

  #answered({ correlationId, body }: AsyncMessage): void {
    this.#waiting.get(correlationId ?? '')?.(body as Outcome);
  }
}
