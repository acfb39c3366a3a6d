/**
 * Owns the public events of all kinds, resolved once at start: by the type of the journal event for the messages, by
 * routing key for the documents. Up to 15,000 events a second are looked up here: one look in a map each.
 */
import type { DomainEvent } from '../../kernel/decider.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import {
  PRIVATE,
  type EventMapping,
  type PublicEvent,
  type PublicEventsDefinition,
} from './public-event-definition.ts';

/** What the catalogue takes of a kind of actor. */
export interface PublishingKind {
  readonly kind: string;
  readonly publicEvents?: PublicEventsDefinition;
}

export interface ResolvedEvent extends PublicEvent {
  /** Its messages carry the routing key of their entity as `correlation-id`. */
  readonly isCorrelated: boolean;
}

type Resolved = ResolvedEvent | typeof PRIVATE | ((event: DomainEvent) => ResolvedEvent | typeof PRIVATE);

export class PublicEventCatalogue {
  /** By journal event. Rows hold events of no kind as well (EpochStarted): they are not in it, and private. */
  readonly #byJournalEvent = new Map<string, { readonly kind: string; readonly mapping: Resolved }>();
  readonly #byRoutingKey = new Map<string, { readonly kind: string; readonly resolved: ResolvedEvent }>();
  /** In the order of the kinds, and of the events in their definitions. */
  readonly all: readonly ResolvedEvent[];
  /** Their routing keys. */
  readonly types: readonly string[];

  /** @throws Error when two kinds have a journal event of the same type, or publish the same routing key. */
  constructor(kinds: readonly PublishingKind[]) {
    for (const { kind, publicEvents } of kinds) if (publicEvents) this.#add(kind, publicEvents);
    this.all = [...this.#byRoutingKey.values()].map(({ resolved }) => resolved);
    this.types = [...this.#byRoutingKey.keys()];
  }

  /** How a journal event is published; undefined: it is private. */
  publishedAs(event: DomainEvent): ResolvedEvent | undefined {
    const mapping = this.#byJournalEvent.get(event.type)?.mapping;
    const resolved = typeof mapping === 'function' ? mapping(event) : mapping;
    return resolved === PRIVATE ? undefined : resolved;
  }

  #add(kind: string, { correlationId, events }: PublicEventsDefinition): void {
    // Mappings used in several places of one definition are one.
    const known = new Map<PublicEvent, ResolvedEvent>();
    const resolve = (published: PublicEvent): ResolvedEvent => {
      const before = known.get(published);
      if (before) return before;
      const { routingKey } = published;
      const other = this.#byRoutingKey.get(routingKey)?.kind;
      if (other !== undefined) throw new Error(`${other} and ${kind} both publish ${routingKey}`);
      const resolved = { ...published, isCorrelated: correlationId === 'routing key' };
      known.set(published, resolved);
      this.#byRoutingKey.set(routingKey, { kind, resolved });
      return resolved;
    };
    for (const [type, mapping] of Object.entries(events)) {
      const other = this.#byJournalEvent.get(type)?.kind;
      if (other !== undefined) throw new Error(`${other} and ${kind} both have a journal event ${type}`);
      this.#byJournalEvent.set(type, { kind, mapping: resolveMapping(type, mapping, resolve) });
    }
  }
}

function resolveMapping(
  type: string,
  mapping: EventMapping<DomainEvent>,
  resolve: (published: PublicEvent) => ResolvedEvent,
): Resolved {
  if (mapping === PRIVATE) return PRIVATE;
  if ('routingKey' in mapping) return resolve(mapping);
  const { by, each } = mapping;
  const byValue = new Map<unknown, ResolvedEvent | typeof PRIVATE>(
    Object.entries(each).map(([value, decided]) => [value, decided === PRIVATE ? PRIVATE : resolve(decided)]),
  );
  return (event) => {
    const value = (event as unknown as Record<string, unknown>)[by];
    const decided = byValue.get(value);
    if (decided === undefined) throw new CorruptionError(`${type} has an unknown ${by}: ${JSON.stringify(value)}`);
    return decided;
  };
}
