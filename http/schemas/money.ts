/** Owns the form of money on the wire: integer minor units and an ISO 4217 code. */
import { z } from 'zod';
import { CURRENCIES, WITHDRAWN_CURRENCIES } from '../../kernel/currencies.ts';
import { AMOUNT_MAX } from '../../kernel/money.ts';

const currency = z
  .string()
  .check((payload) => {
    if (CURRENCIES.has(payload.value)) return;
    const successor = WITHDRAWN_CURRENCIES[payload.value];
    const message =
      successor === undefined
        ? 'must be the ISO 4217 code of a currency in use, in upper case'
        : `was withdrawn from ISO 4217; use ${successor}`;
    payload.issues.push({ code: 'custom', message, input: payload.value });
  })
  .meta({ pattern: '^[A-Z]{3}$', description: 'ISO 4217, a currency in use, upper case' });

/** Keys in alphabetical order, so that a body that is made of it is canonical JSON. */
export const money = z
  .strictObject({ amount: z.number().int().min(0).max(AMOUNT_MAX), currency })
  .meta({ id: 'Money', description: 'Integer minor units of one currency' });
