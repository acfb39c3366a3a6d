/**
 * Normalises a text for a search for digits: digits of every script become ASCII's, wide and circled forms too (NFKC),
 * invisible characters are removed, and other characters that are neither letter nor digit become separators. Costs
 * time linear in the text's length.
 */

const NON_ASCII = /[^\x00-\x7f]/;
/** A circled "16" is one character: seven may make thirteen digits. */
const ENOUGH_NUMERALS = /\p{N}(?:\P{N}*\p{N}){6}/u;
/** Format characters, marks such as variation selectors and keycaps, and fillers that count as letters. */
const INVISIBLE = /[\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}]/gu;
const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;
const FOREIGN_SPACE = /(?![\t-\r ])\s/gu;

const FOREIGN_SEPARATOR = /[^\p{L}\p{N}\x00-\x7f]/gu;

/** Letters of any script stay; an empty text where there are too few digits for a card number. */
export function plainDigits(text: string): string {
  if (!NON_ASCII.test(text)) return text;
  if (!ENOUGH_NUMERALS.test(text)) return '';
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(FOREIGN_DIGIT, asciiDigit)
    .replace(FOREIGN_SPACE, ' ')
    .replace(FOREIGN_SEPARATOR, '-');
}

const DIGIT = /\p{Nd}/u;
const known = new Map<string, string>();

/** Decimal digits come in runs of ten, from zero up (Unicode standard, section 4.6), so the place in its run is its value. */
function asciiDigit(digit: string): string {
  let value = known.get(digit);
  if (value === undefined) {
    const at = digit.codePointAt(0) ?? 0;
    let before = at;
    while (DIGIT.test(String.fromCodePoint(before - 1))) before -= 1;
    value = String((at - before) % 10);
    known.set(digit, value); // at most as many as Unicode has digits
  }
  return value;
}
