/**
 * Events as they are stored: a JSON array of objects with `type` and, from the second form of a type on, `v`. Stored
 * names and forms never change; a new form gets a higher `v` and an upcaster from the one before. This build refuses to
 * read what it does not know: guessing would fork history. An empty array is a row that only binds its command id: the
 * command found its work done already.
 */
import type { DomainEvent } from '../kernel/decider.ts';
import { CorruptionError, messageOf } from '../kernel/errors.ts';

type Stored = Record<string, unknown>;
/** Turns form n of an event into form n + 1. */
export type Upcaster = (stored: Stored) => Stored;
/**
 * Of each type of event that a kind stores: one upcaster for each step from form 1 to the current form; empty: form 1 is
 * current. A type never leaves the table, since rows of it may be stored.
 */
export type EventForms<Event extends DomainEvent = DomainEvent> = {
  readonly [Type in Event['type']]: readonly Upcaster[];
};

/** The JSON text of one row's events, in their current forms. */
export function encodeEvents(events: readonly DomainEvent[], forms: EventForms): string {
  for (const event of events) {
    const upcasters = forms[event.type];
    if (upcasters && upcasters.length > 0) return JSON.stringify(events.map((each) => withForm(each, forms)));
  }
  return JSON.stringify(events);
}

function withForm(event: DomainEvent, forms: EventForms): unknown {
  const form = (forms[event.type]?.length ?? 0) + 1;
  return form === 1 ? event : { ...event, v: form };
}

/** @throws CorruptionError for text that is no event array, or holds a type or form that this build doesn't know. */
export function decodeEvents(text: string, forms: EventForms): DomainEvent[] {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch (error) {
    throw new CorruptionError(`events are no JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(stored)) throw new CorruptionError('events are no array');
  return stored.map((each: unknown) => upcast(each, forms));
}

function upcast(stored: unknown, forms: EventForms): DomainEvent {
  if (typeof stored !== 'object' || stored === null) throw new CorruptionError('an event is no object');
  let event = stored as Stored;
  const type = event['type'];
  const upcasters = typeof type === 'string' && Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (!upcasters) throw new CorruptionError(`unknown event type ${JSON.stringify(type)}`);
  const form = event['v'] ?? 1;
  if (typeof form !== 'number' || !Number.isInteger(form) || form < 1 || form > upcasters.length + 1) {
    throw new CorruptionError(`${String(type)}: unknown form ${JSON.stringify(form)}`);
  }
  for (const step of upcasters.slice(form - 1)) event = step(event);
  return event as unknown as DomainEvent;
}
