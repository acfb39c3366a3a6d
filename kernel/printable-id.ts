/** The rule for ids that people see: of products, customers and callers. */

const PRINTABLE_ASCII = /^[!-~](?:[ -~]*[!-~])?$/;
/** Spaces only inside, and only U+0020: ids that look the same should be the same. */
const PRINTABLE =
  /^[^\p{Cc}\p{Cf}\p{Cs}\p{Z}](?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]*[^\p{Cc}\p{Cf}\p{Cs}\p{Z}])?$/u;

/** Characters are code points, as in JSON Schema; they are counted only where the number of units does not decide. */
export function isLongerThan(text: string, lengthMax: number): boolean {
  if (text.length <= lengthMax) return false;
  return text.length > 2 * lengthMax || [...text].length > lengthMax;
}

/** True for 1 to `lengthMax` printable characters, with spaces only between others. */
export function isPrintableId(text: string, lengthMax: number): boolean {
  return !isLongerThan(text, lengthMax) && (PRINTABLE_ASCII.test(text) || PRINTABLE.test(text));
}

export function printableIdRule(lengthMax: number): string {
  return `must have 1 to ${lengthMax} printable characters, with spaces only between others`;
}
