/**
 * Owns the rule by which a published schema may change: whatever the code sends now, a consumer written against the
 * published schema must still be able to read, and must still find what it was promised.
 *
 * Breaking: a member removed, no longer always there, or of another type; an enum with other values (a new value meets
 * a consumer without a case for it, a lost one leaves a consumer waiting); a limit, pattern or format loosened or lost.
 * Harmless: further members, an optional member that is always there now, a tighter limit, another description.
 *
 * A keyword that is not listed here counts as breaking wherever it differs: guessing would be worse than asking.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from './json-schemas.ts';

/** They promise nothing about a value. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  'title',
  'description',
  'examples',
  'default',
  'deprecated',
  '$comment',
]);
/** A larger value would let more through; with the second list it is a smaller one. */
const UPPER_BOUNDS = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);
const LOWER_BOUNDS = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']);
/** Adding one of them narrows what is sent, which nobody minds. */
const NARROWING = new Set(['format', 'pattern', 'const', 'uniqueItems', 'multipleOf']);

/** Compared by variant. */
const UNIONS = ['anyOf', 'oneOf'] as const;

/** What of `published` the schema `current` breaks, one sentence each, with the place it is about; empty: nothing. */
export function breakingChanges(published: JsonSchema, current: JsonSchema, place = ''): string[] {
  const [before, now] = [variantsOf(published), variantsOf(current)];
  const variants = before || now ? brokenVariants(before ?? [published], now ?? [current], place) : [];
  // A schema that is no union any more, or is one now, was compared as a whole.
  if ((before === undefined) !== (now === undefined)) return variants;
  const keywords = new Set([...Object.keys(published), ...Object.keys(current)]);
  for (const keyword of UNIONS) keywords.delete(keyword);
  return [...variants, ...[...keywords].flatMap((keyword) => brokenKeyword(keyword, published, current, place))];
}

function brokenKeyword(keyword: string, published: JsonSchema, current: JsonSchema, place: string): string[] {
  const [before, now] = [published[keyword], current[keyword]];
  if (ANNOTATIONS.has(keyword) || isDeepStrictEqual(before, now)) return [];
  const where = place === '' ? 'the data' : place;
  const changed = `${where}: ${keyword} was ${textOf(before)} and is ${textOf(now)}`;
  switch (keyword) {
    case 'properties':
      return brokenProperties(schemasOf(before), schemasOf(now), place);
    case 'required':
      return stringsOf(before)
        .filter((name) => !stringsOf(now).includes(name) && !isRemoved(name, published, current))
        .map((name) => `${memberOf(place, name)}: is no longer always there`);
    case 'items':
      if (!isSchema(before)) return []; // any items were allowed
      return isSchema(now) ? breakingChanges(before, now, `${place}[]`) : [changed];
    case 'enum':
      return before === undefined || isSameSet(before, now) ? [] : [changed];
    case 'type':
      return isWithin(typesOf(now), typesOf(before)) ? [] : [changed];
  }
  if (UPPER_BOUNDS.has(keyword)) return isTighter(before, now, (old, limit) => limit <= old) ? [] : [changed];
  if (LOWER_BOUNDS.has(keyword)) return isTighter(before, now, (old, limit) => limit >= old) ? [] : [changed];
  if (NARROWING.has(keyword) && before === undefined) return [];
  return [changed];
}

function brokenProperties(
  published: Readonly<Record<string, JsonSchema>>,
  current: Readonly<Record<string, JsonSchema>>,
  place: string,
): string[] {
  return Object.entries(published).flatMap(([name, before]) => {
    const now = Object.hasOwn(current, name) ? current[name] : undefined;
    const member = memberOf(place, name);
    return now === undefined ? [`${member}: is no longer there`] : breakingChanges(before, now, member);
  });
}

/** Then that is said, once. */
function isRemoved(name: string, published: JsonSchema, current: JsonSchema): boolean {
  return (
    Object.hasOwn(schemasOf(published['properties']), name) && !Object.hasOwn(schemasOf(current['properties']), name)
  );
}

/** Each variant that is sent now must fit one that was published, and none of those may be lost. */
function brokenVariants(published: readonly JsonSchema[], current: readonly JsonSchema[], place: string): string[] {
  const where = place === '' ? 'the data' : place;
  const fits = (before: JsonSchema, now: JsonSchema): boolean => breakingChanges(before, now, place).length === 0;
  const added = current.filter((now) => !published.some((before) => fits(before, now)));
  const lost = published.filter((before) => !current.some((now) => fits(before, now)));
  return [
    ...added.map((variant) => `${where}: may now be ${textOf(variant)}`),
    ...lost.map((variant) => `${where}: can no longer be ${textOf(variant)}`),
  ];
}

function variantsOf({ anyOf, oneOf }: JsonSchema): readonly JsonSchema[] | undefined {
  const variants = anyOf ?? oneOf;
  return Array.isArray(variants) ? variants.filter(isSchema) : undefined;
}

function isTighter(before: unknown, now: unknown, holds: (before: number, now: number) => boolean): boolean {
  if (before === undefined) return true;
  return typeof before === 'number' && typeof now === 'number' && holds(before, now);
}

/** Undefined: any type. */
function typesOf(type: unknown): readonly string[] | undefined {
  if (type === undefined) return undefined;
  return typeof type === 'string' ? [type] : stringsOf(type);
}

function isWithin(now: readonly string[] | undefined, before: readonly string[] | undefined): boolean {
  if (before === undefined) return true;
  return (
    now !== undefined && now.every((type) => before.includes(type) || (type === 'integer' && before.includes('number')))
  );
}

function isSameSet(before: unknown, now: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(now)) return false;
  return before.length === now.length && before.every((value) => now.includes(value));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function schemasOf(value: unknown): Readonly<Record<string, JsonSchema>> {
  return isSchema(value) ? (value as Readonly<Record<string, JsonSchema>>) : {};
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

function memberOf(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

function textOf(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
