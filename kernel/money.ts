/** Money is integer minor units of one ISO 4217 currency. There is no arithmetic between currencies and no fraction. */

export interface Money {
  /** Minor units, an integer in 0..2^53-1. */
  readonly amount: number;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/** The largest amount of one order line: 10^12 minor units. */
export const LINE_AMOUNT_MAX = 1_000_000_000_000;
/** The largest amount of one order: what a double still counts exactly. */
export const ORDER_AMOUNT_MAX = Number.MAX_SAFE_INTEGER;

export function money(amount: number, currency: string): Money {
  return { amount, currency };
}
