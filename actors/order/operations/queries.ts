/** Owns the parameters of order lists, in the query and in the path. */
import { z } from 'zod';
import { ORDER_STATUSES } from '../order.ts';
import { parseInstant } from '../../../kernel/instant.ts';
import { customerId } from '../../../http/schemas/text.ts';

const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;
const CURSOR_LENGTH_MAX = 200;

const instant = z
  .string()
  .check((payload) => {
    if (parseInstant(payload.value) !== undefined) return;
    payload.issues.push({
      code: 'custom',
      message: 'must be a date or a date and time in ISO 8601',
      input: payload.value,
    });
  })
  .meta({ format: 'date-time' });

/** A number however it is written, so that the refusal names the range; longer than any number, it is none. */
const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;

const limit = z.preprocess(
  (text) => (typeof text === 'string' && NUMBER.test(text) ? Number(text) : text),
  z.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
);

export const pageQuery = z.strictObject({
  cursor: z.string().max(CURSOR_LENGTH_MAX).optional().describe('nextCursor of the page before'),
  from: instant.optional().describe('Placed at or after'),
  limit,
  status: z.enum(ORDER_STATUSES).optional(),
  to: instant.optional().describe('Placed before'),
});

export const orderEventsQuery = pageQuery.pick({ cursor: true, limit: true });

export const listOrdersQuery = pageQuery.extend({ customerId: customerId.optional() });
/** The variables of a path. */
export const customerPath = z.object({ customerId });

export type ListOrdersQuery = z.output<typeof listOrdersQuery>;
