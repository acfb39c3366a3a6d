/**
 * Orders texts as their UTF-8 bytes do, which is how PostgreSQL's collation "C" orders them. JavaScript orders by UTF-16
 * units; the two differ only where one text has a surrogate pair and the other a character from U+E000 on.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

const FIRST_SURROGATE = 0xd800;
const FIRST_BEHIND_SURROGATES = 0xe000;

/** Surrogates stand for characters beyond U+FFFF, so they rank behind all other units. */
function rank(unit: number): number {
  if (unit < FIRST_SURROGATE) return unit;
  return unit >= FIRST_BEHIND_SURROGATES ? unit - 0x800 : unit + 0x2000;
}
