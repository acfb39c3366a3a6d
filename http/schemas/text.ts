/**
 * Owns what a text from outside may be: its length in characters, and which characters an id may have. NUL and
 * ill-formed Unicode are refused before, in ../text-screen.ts, for every text of a body at once.
 */
import { z } from 'zod';
import { isLongerThan, isPrintableId, printableIdRule } from '../../kernel/printable-id.ts';
import { isSubject, SUBJECT_RULE } from '../../kernel/subject.ts';

export const TEXT_LENGTH_MAX = 200;

const NOT_BLANK = /\S/;

/** An id that people see: printable, case-sensitive, inner spaces allowed. */
export function printableId(lengthMax: number) {
  return z
    .string()
    .check((payload) => {
      if (isPrintableId(payload.value, lengthMax)) return;
      payload.issues.push({ code: 'custom', message: printableIdRule(lengthMax), input: payload.value });
    })
    .meta({ minLength: 1, maxLength: lengthMax });
}

/** Free text that must say something. */
export function text(lengthMax: number) {
  return z
    .string()
    .check((payload) => {
      const { value } = payload;
      if (isLongerThan(value, lengthMax)) {
        payload.issues.push({ code: 'custom', message: `must have at most ${lengthMax} characters`, input: value });
      } else if (!NOT_BLANK.test(value)) {
        payload.issues.push({ code: 'custom', message: 'must not be empty', input: value });
      }
    })
    .meta({ minLength: 1, maxLength: lengthMax });
}

/** Free text that may be empty. */
export function optionalText(lengthMax: number) {
  return z
    .string()
    .check((payload) => {
      if (!isLongerThan(payload.value, lengthMax)) return;
      payload.issues.push({
        code: 'custom',
        message: `must have at most ${lengthMax} characters`,
        input: payload.value,
      });
    })
    .meta({ maxLength: lengthMax });
}

/** Of a customer, as a token names it. */
export const customerId = z.string().refine(isSubject, { error: SUBJECT_RULE }).meta({ minLength: 1, maxLength: 200 });
