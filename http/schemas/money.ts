/** Owns the form of money on the wire: integer minor units and an ISO 4217 code. */
import { z } from 'zod';
import { LINE_AMOUNT_MAX } from '../../domain/money.ts';

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

export const currency = z
  .string()
  .check((payload) => {
    if (CURRENCIES.has(payload.value)) return;
    payload.issues.push({ code: 'custom', message: 'must be an ISO 4217 code in upper case', input: payload.value });
  })
  .meta({ pattern: '^[A-Z]{3}$', description: 'ISO 4217, upper case' });

/** Keys in alphabetical order, see place-order-request.ts. */
export const money = z
  .strictObject({ amount: z.number().int().min(0).max(LINE_AMOUNT_MAX), currency })
  .meta({ id: 'Money', description: 'Integer minor units of one currency' });
