/**
 * Owns the check that every text of a body passes before anything else looks at it: no NUL (PostgreSQL can't hold
 * it), no ill-formed Unicode (it does not survive UTF-8), no card number. Names the first offender by its place and
 * never by its content.
 *
 * Bodies are clean as a rule, and their JSON text shows it: without a `\u` escape valid UTF-8 can hold neither NUL nor
 * a lone surrogate, and without a long run of digits no card number. Only the others are walked.
 */
import { holdsCardNumber, MAY_HOLD_CARD_NUMBER } from './card-numbers.ts';
import { Problem } from './problems.ts';
import { childPointer } from './json-pointer.ts';

const NUL = '\u0000';
/** With the `u` flag a pair of surrogates is one character of another kind. */
const LONE_SURROGATE = /\p{Cs}/u;

/** @throws Problem validation_failed, card_data_refused. @param source the JSON text that `value` was parsed from. */
export function screenTexts(value: unknown, source: string): void {
  if (source.includes('\\u') || MAY_HOLD_CARD_NUMBER.test(source)) walk(value);
}

/** @throws Problem for a text that did not come in a body. */
export function screenText(text: string, pointer: string): void {
  if (!isWellFormed(text)) throw illFormed(pointer);
}

function isWellFormed(text: string): boolean {
  return !text.includes(NUL) && !LONE_SURROGATE.test(text);
}

/** Without recursion: the depth of a body is bounded by its size alone. */
function walk(root: unknown): void {
  const open: { readonly value: unknown; readonly pointer: string; readonly mayHoldDigits: boolean }[] = [
    { value: root, pointer: '', mayHoldDigits: false },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, mayHoldDigits } = next;
    if (typeof value === 'string') {
      if (!isWellFormed(value)) throw illFormed(pointer);
      if (!mayHoldDigits && holdsCardNumber(value)) throw cardData(pointer);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        // A bad key is told at its parent: its own name must not be repeated.
        if (!isWellFormed(key)) throw illFormed(pointer);
        if (holdsCardNumber(key)) throw cardData(pointer);
        // Article numbers may look like card numbers.
        open.push({ value: child, pointer: childPointer(pointer, key), mayHoldDigits: key === 'productId' });
      }
    }
  }
}

function illFormed(pointer: string): Problem {
  const detail = 'contains a NUL character or ill-formed Unicode; send well-formed text without U+0000';
  const errors = [{ pointer, code: 'ill_formed_text', detail }];
  return new Problem('validation_failed', `A text at "${pointer}" ${detail}.`, { errors });
}

function cardData(pointer: string): Problem {
  const detail = 'looks like a card number; send the token that the payment provider gave for the card';
  const errors = [{ pointer, code: 'card_data_refused', detail }];
  return new Problem('card_data_refused', `A text at "${pointer}" ${detail}. It was neither stored nor logged.`, {
    errors,
  });
}
