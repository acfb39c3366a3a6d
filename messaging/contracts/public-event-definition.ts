/**
 * Owns the form in which a kind of actor defines its public events: for each journal event a decision, published or
 * PRIVATE. Journal events are private and may change. What is published may not: compatibility.ts says what may change
 * within a v1.
 */
import type { z } from 'zod';
import type { EpochMs } from '../../kernel/clock.ts';
import type { DomainEvent } from '../../kernel/decider.ts';

/** A journal event that is published, and how. */
export interface PublicEvent<Event = DomainEvent> extends PublicForm<Event, z.ZodObject> {
  /** It names the event and its major version, such as `order.created.v1`. */
  readonly routingKey: string;
}

interface PublicForm<Event, Schema extends z.ZodObject> {
  /** When it comes: one or two sentences for integrators. */
  readonly when: string;
  /** Strict: what the code makes has no member that the schema lacks. Consumers get it open, see json-schemas.ts. */
  readonly schema: Schema;
  /** Stateless: made of the event, the id of its entity and the time of its row. */
  data(event: NoInfer<Event>, entityId: string, at: EpochMs): z.output<Schema>;
  /** The golden sample in contracts/, and the example in the AsyncAPI document. */
  readonly sample: PublicSample<NoInfer<Event>>;
}

/** One example: a journal event and its place in the story of an entity. */
export interface PublicSample<Event> {
  readonly entityId: string;
  readonly version: number;
  /** Of the row in its shard. The time of the sample follows from it. */
  readonly seq: number;
  readonly commandId: string;
  /** Index of the event within its row; 0 by default. */
  readonly ordinal?: number;
  readonly event: Event;
}

/** The event makes no message. */
export const PRIVATE = 'private';

/** The value of one member of the event decides. */
export interface PublishedBy<Event> {
  readonly by: string;
  readonly each: Readonly<Record<string, PublicEvent<Event> | typeof PRIVATE>>;
}

export type EventMapping<Event> = PublicEvent<Event> | typeof PRIVATE | PublishedBy<Event>;

/** What a kind publishes: a mapping of each of its journal events. Their order is the order of the documents. */
export interface PublicEvents<Event extends DomainEvent> {
  /** What the messages carry as `correlation-id`: the routing key of the entity, such as its order's id, or nothing. */
  readonly correlationId: 'routing key' | 'none';
  readonly events: { readonly [Type in Event['type']]: EventMapping<Extract<Event, { readonly type: Type }>> };
}

/** The same without the kind's own types: the engine passes to a mapping only events of its type. */
export interface PublicEventsDefinition {
  readonly correlationId: PublicEvents<DomainEvent>['correlationId'];
  readonly events: Readonly<Record<string, EventMapping<DomainEvent>>>;
}

/** Typed by both ends: the event by the place in the table, the data by the schema. */
export function published<Event, Schema extends z.ZodObject>(
  routingKey: string,
  form: PublicForm<Event, Schema>,
): PublicEvent<Event> {
  return { routingKey, ...form };
}

/** For an event that is published in several forms: every value of `by` has its decision. */
export function publishedBy<Event, Member extends keyof Event & string>(
  by: Member,
  each: { readonly [Value in Event[Member] & string]: PublicEvent<Event> | typeof PRIVATE },
): PublishedBy<Event> {
  return { by, each };
}
