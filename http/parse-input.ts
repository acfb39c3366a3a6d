/**
 * Owns the step from unknown input to a typed value: runs a schema and turns its issues into the contract's errors.
 * Details name the field and the rule, never the value.
 */
import type { z } from 'zod';
import { childPointer, pointerOf } from './json-pointer.ts';
import { Problem, type FieldError } from './problems.ts';

/** Of a body that is wrong everywhere, the first errors are enough. */
export const ERRORS_MAX = 20;
const UNKNOWN_FIELDS_MAX = 5;

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
  const errors = parsed.error.issues
    .slice(0, ERRORS_MAX)
    .flatMap((issue) => fieldErrorsOf(issue))
    .slice(0, ERRORS_MAX);
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
function refuseLongList(value: unknown, name: string, lengthMax: number): void {
  const list = listOf(value, name);
  if (list === undefined || list.length <= lengthMax) return;
  throw invalidInput([{ pointer: `/${name}`, code: 'too_big', detail: `must have at most ${lengthMax} elements` }]);
}

/** A list of so many elements is looked at one by one, so that a bad one ends it early. */
const ELEMENTS_AT_ONCE_MAX = 50;

/**
 * Parses a body of which one list may be long. A list that is wrong everywhere costs its first errors only: thousands
 * of elements, each with its own issues, would cost many times what good ones do.
 * @throws Problem validation_failed.
 */
export function parseWithLongList<Schema extends z.ZodType<object>, Element extends z.ZodType>(
  schema: Schema,
  body: unknown,
  { name, element, lengthMax }: { readonly name: string; readonly element: Element; readonly lengthMax: number },
): z.output<Schema> {
  refuseLongList(body, name, lengthMax);
  const list = listOf(body, name);
  if (list === undefined || list.length <= ELEMENTS_AT_ONCE_MAX) return parseInput(schema, body);
  const elements: z.output<Element>[] = [];
  const errors: FieldError[] = [];
  for (const [index, each] of list.entries()) {
    const parsed = element.safeParse(each);
    if (parsed.success) elements.push(parsed.data);
    else errors.push(...parsed.error.issues.flatMap((issue) => fieldErrorsOf(issue, [name, index])));
    if (errors.length >= ERRORS_MAX) break;
  }
  if (errors.length > 0) throw invalidInput(errors.slice(0, ERRORS_MAX));
  // The rest, with one element in the list: its members keep the schema's order.
  const rest = parseInput(schema, { ...(body as object), [name]: list.slice(0, 1) });
  return { ...rest, [name]: elements };
}

function listOf(value: unknown, name: string): readonly unknown[] | undefined {
  const list: unknown =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return Array.isArray(list) ? list : undefined;
}

/** @param base where the value stands that was parsed. */
function fieldErrorsOf(issue: z.core.$ZodIssue, base: readonly PropertyKey[] = []): FieldError[] {
  const pointer = pointerOf([...base, ...issue.path]);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, UNKNOWN_FIELDS_MAX).map((key) => ({
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
