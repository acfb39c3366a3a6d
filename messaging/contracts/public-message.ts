/**
 * Makes the public message of a journal event: CloudEvents 1.0 in binary mode, over AMQP. On the way of every event, up
 * to 15,000 a second: nothing is parsed or checked here, the tests prove that the schemas hold.
 */
import { STOCK_PREFIX } from '../../actors/stock/stock.ts';
import { prefixOf, routingKeyOf } from '../../kernel/entity-id.ts';
import type { DomainEvent } from '../../kernel/decider.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import { EVENT_MAPPINGS, PRIVATE, type Telling } from './event-mapping.ts';
import type { MessageOrigin } from './message-origin.ts';
import type { PublicEventType } from './public-events.ts';

/** Of everything that this program publishes. */
export const APP_ID = 'holdfast';
export const CONTENT_TYPE = 'application/json';

/** An event with its place in the journal. */
export interface Happened {
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
  /** The order's id, where there is one. */
  readonly correlationId?: string;
  readonly timestampSeconds: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** JSON text. */
  readonly body: string;
}

/** By any type: rows hold events that are no entity's (EpochStarted), which nobody outside hears of. */
const TELLINGS = new Map(Object.entries(EVENT_MAPPINGS)) as ReadonlyMap<
  string,
  Telling<DomainEvent> | typeof PRIVATE | ((event: DomainEvent) => Telling<DomainEvent> | typeof PRIVATE)
>;

/** Whether there is a message of it. */
export function isPublic(event: DomainEvent): boolean {
  return tellingOf(event) !== undefined;
}

/** The message of an event, always the same; undefined: the event is private. */
export function publicMessageOf(happened: Happened, origin: MessageOrigin): PublicMessage | undefined {
  const { entityId, shard, seq, epoch, at, event } = happened;
  const telling = tellingOf(event);
  if (telling === undefined) return undefined;
  const { routingKey } = telling;
  const messageId = `${origin.idPrefix(epoch)}s${shard}-e${epoch}-q${seq}-${happened.ordinal}`;
  const headers: Record<string, string | number> = {
    cloudEvents_specversion: '1.0',
    cloudEvents_id: messageId,
    cloudEvents_source: origin.source,
    cloudEvents_type: routingKey,
    cloudEvents_subject: entityId,
    cloudEvents_time: isoOf(at),
    cloudEvents_dataschema: origin.schemaUri(routingKey),
    'entity-version': happened.version,
    shard,
    'shard-seq': String(seq),
    'causation-id': happened.commandId,
  };
  if (happened.traceparent !== undefined) headers['traceparent'] = happened.traceparent;
  const body = JSON.stringify(telling.data(event, entityId, at));
  const timestampSeconds = Math.floor(at / 1_000);
  if (prefixOf(entityId) === STOCK_PREFIX) return { routingKey, messageId, timestampSeconds, headers, body };
  return { routingKey, messageId, correlationId: routingKeyOf(entityId), timestampSeconds, headers, body };
}

/** The name and the data of what is public of an event; undefined: the event is private. */
export function publicDataOf(
  event: DomainEvent,
  entityId: string,
  at: EpochMs,
): { readonly type: PublicEventType; readonly data: unknown } | undefined {
  const telling = tellingOf(event);
  return telling && { type: telling.routingKey, data: telling.data(event, entityId, at) };
}

function tellingOf(event: DomainEvent): Telling<DomainEvent> | undefined {
  const mapping = TELLINGS.get(event.type);
  const telling = typeof mapping === 'function' ? mapping(event) : mapping;
  return telling === PRIVATE ? undefined : telling;
}
