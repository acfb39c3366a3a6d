/**
 * Compares the events that the kit's consumer heard with the journal: every public event came; per entity the first
 * arrivals follow the journal's order; each has one id, which names no other event; and no event came that the journal
 * lacks. Pure.
 */
import type { HeardEvents } from './heard-events.ts';
import type { JournalFacts } from './journal-scan.ts';
import { type Violation, Violations } from './violation.ts';

const KEYS_SHOWN = 8;

export function checkEvents(heard: HeardEvents, { published }: JournalFacts): Violation[] {
  const violations = new Violations();
  violations.list.push(...heard.violations);
  for (const [entityId, expected] of published) {
    checkEntity(entityId, expected, heard.arrivals.get(entityId) ?? [], violations);
  }
  for (const [entityId, arrivals] of heard.arrivals) {
    if (!published.has(entityId)) foreign(entityId, arrivals, violations);
  }
  return violations.list;
}

function checkEntity(
  entityId: string,
  expected: readonly string[],
  arrivals: readonly string[],
  violations: Violations,
): void {
  if (isSame(expected, arrivals)) return;
  const came = new Set(arrivals);
  const missing = expected.filter((key) => !came.has(key));
  for (const key of missing) violations.add('event_not_heard', entityId, key, 'no message');
  const happened = new Set(expected);
  const surplus = arrivals.filter((key) => !happened.has(key));
  if (surplus.length > 0) foreign(entityId, surplus, violations);
  const inOrder = expected.filter((key) => came.has(key));
  const asTheyCame = arrivals.filter((key) => happened.has(key));
  if (!isSame(inOrder, asTheyCame)) {
    violations.add('events_out_of_order', entityId, listed(inOrder), listed(asTheyCame));
  }
}

function foreign(entityId: string, keys: readonly string[], violations: Violations): void {
  for (const key of keys) violations.add('foreign_event', entityId, 'an event of the journal', key);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}

function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, KEYS_SHOWN).join(', ');
  return keys.length > KEYS_SHOWN ? `${shown}, ...` : shown;
}
