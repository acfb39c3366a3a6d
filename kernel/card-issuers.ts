/**
 * Lists which first digits belong to which card scheme, and how long that scheme's numbers are (ISO/IEC 7812-1 and the
 * schemes' public ranges). Without it every tenth number of 13 digits would pass for a card.
 */

interface IssuerRange {
  /** First and last four digits of the range, both included. */
  readonly from: number;
  readonly to: number;
  /** Bit n: numbers of n digits are issued. */
  readonly lengths: number;
}

/** How many of the first digits name the issuer. */
export const ISSUER_DIGITS = 4;

const lengths = (...each: readonly number[]): number => each.reduce((bits, length) => bits | (1 << length), 0);

const ONLY_15 = lengths(15);
const ONLY_16 = lengths(16);
const FROM_13 = lengths(13, 14, 15, 16, 17, 18, 19);
const FROM_14 = lengths(14, 15, 16, 17, 18, 19);
const FROM_16 = lengths(16, 17, 18, 19);
/** Shorter ones were allowed but are not in use; articles of half of Europe would look like them. */
const MAESTRO = lengths(16, 18, 19);

const RANGES: readonly IssuerRange[] = [
  { from: 2200, to: 2205, lengths: FROM_16 }, // Mir, Borica
  { from: 2221, to: 2720, lengths: ONLY_16 }, // Mastercard
  { from: 3000, to: 3059, lengths: FROM_14 }, // Diners Club
  { from: 3095, to: 3095, lengths: FROM_14 }, // Diners Club
  { from: 3400, to: 3499, lengths: ONLY_15 }, // American Express
  { from: 3528, to: 3589, lengths: FROM_16 }, // JCB
  { from: 3600, to: 3699, lengths: FROM_14 }, // Diners Club
  { from: 3700, to: 3799, lengths: ONLY_15 }, // American Express
  { from: 3800, to: 3999, lengths: FROM_14 }, // Diners Club
  { from: 4000, to: 4999, lengths: lengths(13, 16, 19) }, // Visa
  { from: 5000, to: 5099, lengths: MAESTRO }, // Maestro, Verve, Elo, RuPay
  { from: 5018, to: 5018, lengths: FROM_13 }, // Maestro
  { from: 5020, to: 5020, lengths: FROM_13 }, // Maestro
  { from: 5038, to: 5038, lengths: FROM_13 }, // Maestro
  { from: 5100, to: 5599, lengths: ONLY_16 }, // Mastercard
  { from: 5600, to: 5899, lengths: MAESTRO }, // Maestro
  { from: 5893, to: 5893, lengths: FROM_13 }, // Maestro
  { from: 6000, to: 6999, lengths: MAESTRO }, // Maestro, RuPay, Hipercard
  { from: 6011, to: 6011, lengths: FROM_16 }, // Discover
  { from: 6200, to: 6299, lengths: FROM_16 }, // UnionPay, Discover
  { from: 6304, to: 6304, lengths: FROM_13 }, // Maestro
  { from: 6440, to: 6599, lengths: FROM_16 }, // Discover, RuPay
  { from: 6759, to: 6759, lengths: FROM_13 }, // Maestro
  { from: 6761, to: 6763, lengths: FROM_13 }, // Maestro
  { from: 8100, to: 8171, lengths: FROM_16 }, // UnionPay, RuPay
  { from: 8172, to: 8299, lengths: ONLY_16 }, // RuPay
  { from: 8600, to: 8600, lengths: ONLY_16 }, // UzCard
  { from: 9792, to: 9792, lengths: ONLY_16 }, // Troy
  { from: 9860, to: 9860, lengths: ONLY_16 }, // Humo
];

/** The issued lengths by the first four digits, as bits: a hostile text causes a lookup at each of its digits. */
const ISSUED = new Uint32Array(10 ** ISSUER_DIGITS);
for (const { from, to, lengths: issued } of RANGES) {
  for (let prefix = from; prefix <= to; prefix++) ISSUED[prefix]! |= issued;
}

/** @param prefix the first four digits. @param length of the whole number. */
export function isIssued(prefix: number, length: number): boolean {
  return (((ISSUED[prefix] ?? 0) >> length) & 1) === 1;
}
