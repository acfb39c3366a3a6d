/**
 * Owns what a text from outside may be: its length in characters, and which characters an id may have. NUL and
 * ill-formed Unicode are refused before, in ../text-screen.ts, for every text of a body at once.
 */
import { z } from 'zod';

export const PRODUCT_ID_LENGTH_MAX = 64;
export const CUSTOMER_ID_LENGTH_MAX = 200;
export const TEXT_LENGTH_MAX = 200;

const PRINTABLE_ASCII = /^[!-~](?:[ -~]*[!-~])?$/;
/** Spaces only inside, and only U+0020: ids that look the same should be the same. */
const PRINTABLE =
  /^[^\p{Cc}\p{Cf}\p{Cs}\p{Z}](?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]*[^\p{Cc}\p{Cf}\p{Cs}\p{Z}])?$/u;
const NOT_BLANK = /\S/;

/** Characters are code points, as in JSON Schema; they are counted only where the units don't settle it. */
function isLongerThan(text: string, lengthMax: number): boolean {
  if (text.length <= lengthMax) return false;
  return text.length > 2 * lengthMax || [...text].length > lengthMax;
}

/** True for 1 to `lengthMax` printable characters, with spaces only between others. */
export function isPrintableId(text: string, lengthMax: number): boolean {
  return !isLongerThan(text, lengthMax) && (PRINTABLE_ASCII.test(text) || PRINTABLE.test(text));
}

/** An id that people see: printable, case-sensitive, inner spaces allowed. */
export function printableId(lengthMax: number) {
  return z
    .string()
    .check((payload) => {
      if (isPrintableId(payload.value, lengthMax)) return;
      const message = `must have 1 to ${lengthMax} printable characters, with spaces only between others`;
      payload.issues.push({ code: 'custom', message, input: payload.value });
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

export const productId = printableId(PRODUCT_ID_LENGTH_MAX);
export const customerId = printableId(CUSTOMER_ID_LENGTH_MAX);
/** The variables of a path. */
export const productPath = z.object({ productId });
export const customerPath = z.object({ customerId });
