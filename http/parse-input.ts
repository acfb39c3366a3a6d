/**
 * Owns the step from unknown input to a typed value: runs a schema and turns its issues into the contract's errors.
 * Details name the field and the rule, never the value.
 */
import type { z } from 'zod';
import { childPointer, pointerOf } from './json-pointer.ts';
import { Problem, type FieldError } from './problems.ts';

/** A body that is wrong everywhere is told the first of it. */
export const ERRORS_TOLD_MAX = 20;
const UNKNOWN_FIELDS_TOLD_MAX = 5;

/** Where an input came from, as the subject of a sentence. */
export type InputSource = 'The body' | 'The query' | 'The path';

/** @throws Problem validation_failed with all that is wrong (up to a bound). */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: InputSource = 'The body',
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, ERRORS_TOLD_MAX).flatMap(fieldErrorsOf).slice(0, ERRORS_TOLD_MAX);
  throw invalidInput(errors, source);
}

/** @param errors at least one. */
export function invalidInput(errors: readonly FieldError[], source: InputSource = 'The body'): Problem {
  const [first] = errors;
  const where = first === undefined || first.pointer === '' ? source : `"${first.pointer}"`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see errors)` : '';
  return new Problem('validation_failed', `${where} ${first?.detail ?? 'is not valid'}${more}.`, { errors });
}

/** Refuses a list that is too long before its elements are looked at: a million wrong ones would cost seconds. */
export function refuseLongList(value: unknown, name: string, lengthMax: number): void {
  const list: unknown =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  if (!Array.isArray(list) || list.length <= lengthMax) return;
  throw invalidInput([{ pointer: `/${name}`, code: 'too_big', detail: `must have at most ${lengthMax} elements` }]);
}

function fieldErrorsOf(issue: z.core.$ZodIssue): FieldError[] {
  const pointer = pointerOf(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, UNKNOWN_FIELDS_TOLD_MAX).map((key) => ({
        pointer: childPointer(pointer, key),
        code: 'unknown_field',
        detail: 'is not a field of this request; remove it',
      }));
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? [{ pointer, code: 'required', detail: 'is required' }]
        : [{ pointer, code: 'invalid_type', detail: `must be ${named(issue.expected)}` }];
    case 'too_small':
      return [{ pointer, code: 'too_small', detail: `must ${bound(issue.origin)} at least ${issue.minimum}` }];
    case 'too_big':
      return [{ pointer, code: 'too_big', detail: `must ${bound(issue.origin)} at most ${issue.maximum}` }];
    case 'invalid_value':
      return [{ pointer, code: 'invalid_value', detail: `must be one of ${issue.values.map(String).join(', ')}` }];
    default:
      return [{ pointer, code: 'invalid_value', detail: issue.message }];
  }
}

function bound(origin: string): string {
  return origin === 'array' || origin === 'string' ? 'have a length of' : 'be';
}

function named(type: string): string {
  if (type === 'int') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
