/**
 * Makes the public message of a journal event: CloudEvents 1.0 in binary mode, over AMQP. On the way of every event, up
 * to 15,000 a second: nothing is parsed or checked here, the tests prove that the schemas hold.
 */
import { routingKeyOf } from '../../kernel/entity-id.ts';
import type { DomainEvent } from '../../kernel/decider.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { MessageOrigin } from './message-origin.ts';
import type { PublicEventCatalogue } from './public-event-catalogue.ts';

/** Of everything that this program publishes. */
export const APP_ID = 'holdfast';
export const CONTENT_TYPE = 'application/json';

/** An event with its place in the journal. */
export interface JournaledEvent {
  readonly entityId: string;
  readonly version: number;
  readonly shard: number;
  readonly seq: number;
  readonly epoch: number;
  /** Index of the event within its row. */
  readonly ordinal: number;
  readonly at: EpochMs;
  readonly commandId: string;
  readonly traceparent?: string | undefined;
  readonly event: DomainEvent;
}

export interface PublicMessage {
  readonly routingKey: string;
  /** The same on every re-publish; no two events of a deployment share one, also after a restore. */
  readonly messageId: string;
  /** See `PublicEvents`. */
  readonly correlationId?: string;
  readonly timestampSeconds: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** JSON text. */
  readonly body: string;
}

export class PublicMessages {
  readonly origin: MessageOrigin;
  readonly #events: PublicEventCatalogue;

  constructor(events: PublicEventCatalogue, origin: MessageOrigin) {
    this.#events = events;
    this.origin = origin;
  }

  /** Whether there is a message of it. */
  isPublic(event: DomainEvent): boolean {
    return this.#events.publishedAs(event) !== undefined;
  }

  /** The message of an event, always the same; undefined: the event is private. */
  messageOf(journaled: JournaledEvent): PublicMessage | undefined {
    const { entityId, shard, seq, epoch, at, event } = journaled;
    const published = this.#events.publishedAs(event);
    if (published === undefined) return undefined;
    const { origin } = this;
    const { routingKey } = published;
    const messageId = `${origin.idPrefix(epoch)}s${shard}-e${epoch}-q${seq}-${journaled.ordinal}`;
    const headers: Record<string, string | number> = {
      cloudEvents_specversion: '1.0',
      cloudEvents_id: messageId,
      cloudEvents_source: origin.source,
      cloudEvents_type: routingKey,
      cloudEvents_subject: entityId,
      cloudEvents_time: isoOf(at),
      cloudEvents_dataschema: origin.schemaUri(routingKey),
      'entity-version': journaled.version,
      shard,
      'shard-seq': String(seq),
      'causation-id': journaled.commandId,
    };
    if (journaled.traceparent !== undefined) headers['traceparent'] = journaled.traceparent;
    const body = JSON.stringify(published.data(event, entityId, at));
    const timestampSeconds = Math.floor(at / 1_000);
    if (!published.isCorrelated) return { routingKey, messageId, timestampSeconds, headers, body };
    return { routingKey, messageId, correlationId: routingKeyOf(entityId), timestampSeconds, headers, body };
  }
}
