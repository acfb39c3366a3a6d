/**
 * Recognises card numbers: 13 to 19 digits that begin as an issuer's do, have that issuer's length and a valid check
 * digit (Luhn, ISO/IEC 7812-1), written in one run or in groups with up to three separators between. A card number that
 * is stored or logged makes the whole system subject to card-data rules, so a rare false alarm is the smaller mistake.
 *
 * One pass: at the end of each group of digits the last 19 are looked at, whatever the text's length and shape.
 */
import { ISSUER_DIGITS, isIssued } from './card-issuers.ts';
import { plainDigits } from './plain-digits.ts';

const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
/** " - " between two groups. White space of any length counts as one. */
const SEPARATORS_MAX = 3;

/**
 * True when the text may hold one: cheap, for texts of any length. A text with characters beyond ASCII may; only a
 * closer look decides.
 */

const MAY_HOLD_CARD_NUMBER = /[^\x00-\x7f]|\d(?:[^\dA-Za-z]*\d){12}/;

/** Groups of a UUID are all digits often enough to look like a card's, and rarely enough to check only after a find. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** True when the text contains a card number. Costs time linear in its length. */
export function holdsCardNumber(text: string): boolean {
  if (!MAY_HOLD_CARD_NUMBER.test(text)) return false;
  const plain = plainDigits(text);
  return MAY_HOLD_CARD_NUMBER.test(plain) && scan(plain) && scan(plain.replace(UUID, 'uuid'));
}

/** The last digits, in a ring; as many as a power of two above DIGITS_MAX. A scan never waits, so all share it. */
const RING_MASK = 31;
const values = new Uint8Array(RING_MASK + 1);
/** For each digit: does a group begin with it? */
const begins = new Uint8Array(RING_MASK + 1);
const WITHIN = 0;
const BEGINS = 1;
const BEGINS_BEHIND_LETTER = 2;

function scan(text: string): boolean {
  /** Digits since something came between that can't stand in a card number. */
  let digits = 0;
  let separators = 0;
  let isInGroup = false;
  let isBehindLetter = false;
  let isBehindSpace = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isDigit(unit)) {
      values[digits & RING_MASK] = unit - ZERO;
      begins[digits & RING_MASK] = isInGroup ? WITHIN : isBehindLetter ? BEGINS_BEHIND_LETTER : BEGINS;
      digits += 1;
      isInGroup = true;
      continue;
    }
    isBehindLetter = isLetter(unit);
    if (isInGroup && endsWithCardNumber(digits, isBehindLetter)) return true;
    if (isInGroup) {
      separators = 0;
      isBehindSpace = false;
      isInGroup = false;
    }
    const isSpace = unit === SPACE || (unit >= TAB && unit <= CARRIAGE_RETURN);
    if (!isSpace || !isBehindSpace) separators += 1;
    isBehindSpace = isSpace;
    if (isBehindLetter || separators > SEPARATORS_MAX) digits = 0;
  }
  return isInGroup && endsWithCardNumber(digits, false);
}

const ZERO = 48;
const NINE = 57;
const TAB = 9;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const ASCII_LAST = 127;

const isDigit = (unit: number): boolean => unit >= ZERO && unit <= NINE;

/** Beyond ASCII only letters are left, see plainDigits. */
function isLetter(unit: number): boolean {
  const lower = unit | 32;
  return (lower >= 97 && lower <= 122 && unit < ASCII_LAST) || unit > ASCII_LAST;
}

/** Do the last so many digits make a card number, from the beginning of some group on? */
function endsWithCardNumber(digits: number, isBeforeLetter: boolean): boolean {
  const lengthMax = Math.min(digits, DIGITS_MAX);
  let sum = 0;
  for (let length = 1; length <= lengthMax; length++) {
    const place = (digits - length) & RING_MASK;
    const value = values[place] ?? 0;
    if (length % 2 === 1) sum += value;
    else sum += value > 4 ? 2 * value - 9 : 2 * value;
    const begin = begins[place];
    if (length < DIGITS_MIN || begin === WITHIN || sum % 10 !== 0) continue;
    const isBesideLetter = isBeforeLetter || begin === BEGINS_BEHIND_LETTER;
    if (isCardsOwn(digits - length, length) && isWrittenLikeOne(digits - length, length, isBesideLetter)) return true;
  }
  return false;
}

/** Decided by its first digits and its length. A number with the valid check digit of an article (EAN) is no card. */
function isCardsOwn(from: number, length: number): boolean {
  let prefix = 0;
  for (let at = from; at < from + ISSUER_DIGITS; at++) prefix = 10 * prefix + (values[at & RING_MASK] ?? 0);
  return isIssued(prefix, length) && !(length === EAN_DIGITS && isEan(from));
}

const EAN_DIGITS = 13;

function isEan(from: number): boolean {
  let sum = 0;
  for (let at = 0; at < EAN_DIGITS; at++) sum += (values[(from + at) & RING_MASK] ?? 0) * (at % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** As on cards, beside a letter too ("no4111 1111 1111 1111"). */
const LAYOUTS: ReadonlySet<string> = new Set([
  '4,4,4,4',
  '4,4,4,4,2',
  '4,4,4,4,3',
  '4,6,5',
  '4,6,4',
  '4,3,3,3',
  '4,4,5',
]);
/** Where groups are not even: an issuer's digits first (4 or 6), or several groups of four in one. */
const FIRST_GROUPS: ReadonlySet<number> = new Set([4, 6, 8, 10, 12]);
const GROUP_MIN = 3;
/** Halves of seven are a marketplace's. */
const EVEN_GROUPS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 8]);

/**
 * A run of digits is, whatever stands beside it. Groups are where they are even (pairs, fours, single digits), or where
 * they begin like a card's and none is tiny: a marketplace's 302-3159896-1390916 is not. Beside a letter groups are
 * part of something else, as a rule: there only the layouts of cards count.
 */
function isWrittenLikeOne(from: number, length: number, isBesideLetter: boolean): boolean {
  const groups: number[] = [];
  for (let at = from; at < from + length; at++) {
    if (at === from || begins[at & RING_MASK] !== WITHIN) groups.push(0);
    groups[groups.length - 1]! += 1;
  }
  if (groups.length === 1 || LAYOUTS.has(groups.join())) return true;
  if (isBesideLetter) return false;
  const [first = 0] = groups;
  const last = groups.at(-1) ?? 0;
  const others = groups.slice(0, -1);
  const isEven = EVEN_GROUPS.has(first) && last <= first && others.every((group) => group === first);
  return isEven || (FIRST_GROUPS.has(first) && others.every((group) => group >= GROUP_MIN));
}
