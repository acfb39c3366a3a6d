/** Turns the text of a price into minor units, exactly: from its digits, never through a fraction in floating point. */

/** More digits than that are a mistake, and their sum might not fit. */
const WHOLE_DIGITS_MAX = 10;
const PRICE = /^(-?)(\d+)(?:\.(\d+))?$/;

export interface Price {
  /** Rounded half up; 0 for a price below half a penny. */
  readonly pence: number;
  /** Of the price as written: 0.001 is greater than nothing, though no penny. */
  readonly sign: -1 | 0 | 1;
}

/** Undefined for a text that is no price. A negative price is rounded by its distance from zero. */
export function parsePrice(text: string): Price | undefined {
  const [, minus, whole = '', fraction = ''] = PRICE.exec(text) ?? [];
  if (minus === undefined || whole.length > WHOLE_DIGITS_MAX) return undefined;
  const roundedUp = (fraction[2] ?? '0') >= '5' ? 1 : 0;
  const pence = Number(whole) * 100 + Number(fraction.slice(0, 2).padEnd(2, '0')) + roundedUp;
  const isZero = !/[1-9]/.test(whole + fraction);
  if (isZero) return { pence: 0, sign: 0 };
  return minus === '-' ? { pence: -pence, sign: -1 } : { pence, sign: 1 };
}
