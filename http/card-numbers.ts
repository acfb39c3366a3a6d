/**
 * Owns the recognition of card numbers: 13 to 19 digits with a valid check digit (Luhn, ISO/IEC 7812-1), written in
 * one run or in groups with a space or a dash between. A card number that is stored or logged makes the whole system
 * subject to card-data rules, so a rare false alarm is the smaller mistake.
 */
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;

const GROUPS = /\d+(?:[ \-\u00a0\u2010-\u2014]\d+)*/g;
const SEPARATOR = /[^\d]/;
const WORD = /[\p{L}_]/u;

/** True when the text could hold one at all: cheap, for texts of any length. */
export const MAY_HOLD_CARD_NUMBER = /\d(?:[ \-\u00a0\u2010-\u2014]?\d){12}/;

/** True when the text contains a card number. Costs time linear in its length. */
export function holdsCardNumber(text: string): boolean {
  if (!MAY_HOLD_CARD_NUMBER.test(text)) return false;
  for (const match of text.matchAll(GROUPS)) {
    const groups = match[0].split(SEPARATOR);
    // Groups beside a letter belong to something else, such as a UUID: there only an unbroken run counts.
    const first = WORD.test(text.charAt(match.index - 1)) ? 1 : 0;
    const end = groups.length - (WORD.test(text.charAt(match.index + match[0].length)) ? 1 : 0);
    if (groups.some(isCardNumber) || someWindow(groups, first, end)) return true;
  }
  return false;
}

/** Any neighbouring groups that make a card number together. */
function someWindow(groups: readonly string[], first: number, end: number): boolean {
  for (let start = first; start < end; start++) {
    let digits = '';
    for (let next = start; next < end; next++) {
      digits += groups[next] ?? '';
      if (digits.length > DIGITS_MAX) break;
      if (isCardNumber(digits)) return true;
    }
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  if (digits.length < DIGITS_MIN || digits.length > DIGITS_MAX) return false;
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight++) {
    const digit = digits.charCodeAt(digits.length - 1 - fromRight) - 48;
    if (fromRight % 2 === 0) sum += digit;
    else sum += digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  // Nothing but zeros passes the check and is no card.
  return sum % 10 === 0 && sum > 0;
}
