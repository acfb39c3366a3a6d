/**
 * Finds the first place where two pieces of plain data differ: JSON values, and the Maps of states. A property that is
 * undefined is the same as one that is absent, because JSON can't tell them apart.
 */
import { shortened } from '../kernel/shortened.ts';

export interface Difference {
  /** `terms.lines[2].quantity` */
  readonly path: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** Undefined where the two are equal. */
export function firstDifference(expected: unknown, found: unknown, path = ''): Difference | undefined {
  if (Object.is(expected, found)) return undefined;
  if (expected instanceof Map && found instanceof Map) return mapDifference(expected, found, path);
  if (Array.isArray(expected) && Array.isArray(found)) {
    for (let index = 0; index < Math.max(expected.length, found.length); index++) {
      const difference = firstDifference(expected[index], found[index], `${path}[${index}]`);
      if (difference) return difference;
    }
    return undefined;
  }
  if (isRecord(expected) && isRecord(found)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const difference = firstDifference(expected[key], found[key], path === '' ? key : `${path}.${key}`);
      if (difference) return difference;
    }
    return undefined;
  }
  return { path, expected, found };
}

function mapDifference(
  expected: ReadonlyMap<unknown, unknown>,
  found: ReadonlyMap<unknown, unknown>,
  path: string,
): Difference | undefined {
  for (const [key, value] of expected) {
    const difference = firstDifference(value, found.get(key), `${path}[${String(key)}]`);
    if (difference) return difference;
  }
  for (const [key, value] of found) {
    if (!expected.has(key)) return { path: `${path}[${String(key)}]`, expected: undefined, found: value };
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** Personal data: a report names these members and never shows their values. */
const PERSONAL = /address|paymentmethod|customer|method\b/i;
const SHOWN_LENGTH_MAX = 120;

/** A difference as the two texts of a report: what was expected there, and what was found. */
export function described(difference: Difference): { expected: string; found: string } {
  const where = difference.path === '' ? '' : `${difference.path} `;
  if (PERSONAL.test(difference.path)) return { expected: `${where}as recorded`, found: `another ${difference.path}` };
  return { expected: `${where}${shown(difference.expected)}`, found: shown(difference.found) };
}

/** A value as a report shows it: an object's content may be personal, so only its size is shown. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value !== 'object' || value === null) return shortened(JSON.stringify(value), SHOWN_LENGTH_MAX);
  const entries = value instanceof Map ? value.size : Object.keys(value).length;
  return `${Array.isArray(value) || value instanceof Map ? 'a list' : 'an object'} of ${entries}`;
}
