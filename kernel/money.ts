/** Money is integer minor units of one ISO 4217 currency. There is no arithmetic between currencies and no fraction. */

export interface Money {
  /** Minor units, an integer in 0..2^53-1. */
  readonly amount: number;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/** The largest amount that comes from outside: 10^12 minor units. */
export const AMOUNT_MAX = 1_000_000_000_000;

export function money(amount: number, currency: string): Money {
  return { amount, currency };
}
