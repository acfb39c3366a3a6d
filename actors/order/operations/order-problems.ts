/** Owns the problems that only orders have, and what becomes of an order's refusals. */
import { illegalTransition, type Answerer } from '../../../http/answer-problems.ts';
import { ERRORS_MAX } from '../../../http/parse-input.ts';
import { defineProblem, Problem } from '../../../http/problems.ts';
import { isoOf } from '../../../kernel/instant.ts';
import type { OrderLine, OrderRefusal } from '../order.ts';

export const PAYMENT_DECLINED = defineProblem({
  code: 'payment_declined',
  status: 402,
  title: 'The payment was declined',
  retryable: false,
});

export const UNKNOWN_PRODUCT = defineProblem({
  code: 'unknown_product',
  status: 422,
  title: 'A product is not known',
  retryable: false,
  byMessage: 'refused',
});

export const CURRENCY_MISMATCH = defineProblem({
  code: 'currency_mismatch',
  status: 422,
  title: 'One order has one currency',
  retryable: false,
  byMessage: 'refused',
});

export const ORDER = {
  name: 'order',
  problemOf: (refusal) => problemOf(refusal as OwnRefusal),
} as const satisfies Answerer;

type OwnRefusal = Exclude<OrderRefusal, { readonly code: 'not_found' | 'idempotency_mismatch' }>;

/** Undefined at run time for a refusal that is not in the type. */
function problemOf(refusal: OwnRefusal): Problem | undefined {
  switch (refusal.code) {
    case 'unknown_product':
      return new Problem(UNKNOWN_PRODUCT, 'A product of this order never had stock.');
    case 'illegal_transition': {
      const { from, allowed, expiredAt } = refusal;
      if (expiredAt === undefined) return illegalTransition('order', from, allowed);
      const at = isoOf(expiredAt);
      const detail = `The time to confirm the order ended at ${at}; it is being cancelled. Place it anew.`;
      return new Problem('illegal_transition', detail, { members: { from, allowed, expiredAt: at } });
    }
  }
}

/** Names the lines that can't be ordered. */
export function unknownProduct(productIds: readonly string[], lines: readonly OrderLine[]): Problem {
  const unknown = new Set(productIds);
  const detail = 'never had stock; check the productId, upper and lower case matter';
  const errors = lines.flatMap(({ productId }, index) =>
    unknown.has(productId) ? [{ pointer: `/orderLines/${index}/productId`, code: 'unknown_product', detail }] : [],
  );
  const count = unknown.size === 1 ? 'A product' : `${unknown.size} products`;
  return new Problem(UNKNOWN_PRODUCT, `${count} of this order never had stock.`, {
    errors: errors.slice(0, ERRORS_MAX),
  });
}
