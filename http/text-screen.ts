/**
 * Owns the check that every text of a body passes before anything else looks at it: no longer than any text may be, no
 * NUL (PostgreSQL can't hold it), no ill-formed Unicode (it does not survive UTF-8), no card number. Names the first
 * offender by its place and never by its content.
 *
 * Bodies are clean as a rule, and their JSON text shows it: without an escape valid UTF-8 can hold neither NUL nor a
 * lone surrogate, and ASCII without a long run of digits no card number. Only the others are walked.
 */
import { isCardNumber, isCardText } from '../kernel/card-data.ts';
import { holdsCardNumber } from '../kernel/card-numbers.ts';
import { namesOf, walkJson, type JsonVisitor, type Place } from '../kernel/json-texts.ts';
import { Problem } from './problems.ts';
import { pointerOf } from './json-pointer.ts';
import { TEXT_LENGTH_MAX } from './schemas/text.ts';

const NUL = '\u0000';
/** With the `u` flag a pair of surrogates is one character of another kind. */
const LONE_SURROGATE = /\p{Cs}/u;
/** An escape, a character beyond ASCII, or thirteen digits without a letter between. */
const NEEDS_A_LOOK = /\\|[^\x00-\x7f]|\d(?:[^\dA-Za-z]*\d){12}/;
/** A character is at most two units. What is longer is not looked through: no field takes it. */
const TEXT_UNITS_MAX = 2 * TEXT_LENGTH_MAX;

/** @throws Problem validation_failed, card_data_refused. @param source the JSON text that `value` was parsed from. */
export function screenTexts(value: unknown, source: string): void {
  if (NEEDS_A_LOOK.test(source)) screenValue(value);
}

/** The same, where the text that it was parsed from is gone. */
export function screenValue(value: unknown): void {
  walkJson(value, SCREEN);
}

/** @throws Problem for a text that did not come in a body. */
export function screenText(text: string, pointer: string): void {
  if (!isWellFormed(text)) throw illFormed(pointer);
}

const SCREEN: JsonVisitor = {
  text(text, place) {
    if (text.length > TEXT_UNITS_MAX) throw tooLong(placeOf(place));
    if (!isWellFormed(text)) throw illFormed(placeOf(place));
    if (isCardText(text, place)) throw cardData(placeOf(place));
    return false;
  },
  // The error points to the parent: a bad name must not be repeated.
  name(name, place) {
    if (name.length > TEXT_UNITS_MAX) throw tooLong(placeOf(place));
    if (!isWellFormed(name)) throw illFormed(placeOf(place));
    if (holdsCardNumber(name)) throw cardData(placeOf(place));
    return false;
  },
  number(value, place) {
    if (isCardNumber(value)) throw cardData(placeOf(place));
    return false;
  },
};

function isWellFormed(text: string): boolean {
  return !text.includes(NUL) && !LONE_SURROGATE.test(text);
}

const placeOf = (place: Place | undefined): string => pointerOf(namesOf(place));

function tooLong(pointer: string): Problem {
  const detail = `is longer than any text may be; send at most ${TEXT_LENGTH_MAX} characters`;
  const errors = [{ pointer, code: 'too_big', detail }];
  return new Problem('validation_failed', `A text at "${pointer}" ${detail}.`, { errors });
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
