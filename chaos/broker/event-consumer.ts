/**
 * The kit's own consumer: a queue that takes every public event, and its reader. It talks to the broker directly,
 * around the proxies, and comes back after each outage. It shares no code with the runtime.
 */
import { type AsyncMessage, Connection, type Consumer } from 'rabbitmq-client';
import type { HeardEvents } from '../check/heard-events.ts';

/** As docs/integrators.md names them. */
const EVENTS_EXCHANGE = 'orders.events';
const EVERY_EVENT = '*.*.v1';
const QUEUE = 'chaos.heard';
/** RabbitMQ 4 would drop a message after 20 outages. */
const DELIVERIES_MAX = 1_000_000_000;
const PREFETCH = 500;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 1_000;
const BINDING_TIMEOUT_MS = 60_000;

export class EventConsumer {
  readonly #connection: Connection;
  readonly #consumer: Consumer;
  readonly #heard: HeardEvents;
  #lastProblem = '';

  private constructor(url: string, heard: HeardEvents) {
    this.#heard = heard;
    this.#connection = new Connection({
      url,
      connectionName: 'chaos/consumer',
      retryLow: RECONNECT_MS_MIN,
      retryHigh: RECONNECT_MS_MAX,
    });
    this.#connection.on('error', (error: unknown) => (this.#lastProblem = String(error)));
    this.#consumer = this.#connection.createConsumer(
      {
        queue: QUEUE,
        queueOptions: {
          durable: true,
          arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERIES_MAX },
        },
        queueBindings: [{ exchange: EVENTS_EXCHANGE, routingKey: EVERY_EVENT }],
        qos: { prefetchCount: PREFETCH },
      },
      (message) => this.#take(message),
    );
    this.#consumer.on('error', (error: unknown) => (this.#lastProblem = String(error)));
  }

  /** Resolves when its queue is bound: it receives every later event. @throws Error where that fails. */
  static async start(url: string, heard: HeardEvents): Promise<EventConsumer> {
    const consumer = new EventConsumer(url, heard);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        consumer.#consumer.once('ready', resolve);
        const late = (): void => reject(new Error(`no queue for the events: ${consumer.#lastProblem}`));
        timer = setTimeout(late, BINDING_TIMEOUT_MS);
      });
      return consumer;
    } catch (error) {
      consumer.#connection.unsafeDestroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Error unless the broker does it. */
  async deleteExchange(exchange: string): Promise<void> {
    await this.#connection.exchangeDelete({ exchange });
  }

  close(): void {
    this.#connection.unsafeDestroy();
  }

  #take({ messageId, routingKey, headers, body }: AsyncMessage): void {
    this.#heard.add({
      id: messageId ?? '',
      subject: String(headers?.['cloudEvents_subject']),
      entityVersion: Number(headers?.['entity-version']),
      type: routingKey,
      body: Buffer.isBuffer(body) ? body.toString('base64') : body,
    });
  }
}
