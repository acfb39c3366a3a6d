/** Owns the step from a parsed body to the terms of an order, and what a role may say in it. */
import { valueOf, type SettingValues } from '../../../config/setting.ts';
import type { OrderTerms } from '../order.ts';
import { reservationTtlSeconds } from '../settings.ts';
import { isStaff, type Principal } from '../../../http/authenticator.ts';
import { sha256 } from '../../../kernel/sha256.ts';
import { ERRORS_MAX } from '../../../http/parse-input.ts';
import { Problem } from '../../../http/problems.ts';
import { CURRENCY_MISMATCH } from './order-problems.ts';
import type { PlaceOrderRequest } from './requests.ts';

/** @throws Problem forbidden, currency_mismatch. */
export function makeOrderTerms(request: PlaceOrderRequest, principal: Principal, settings: SettingValues): OrderTerms {
  const customerId = customerOf(request, principal);
  const { billingAddress, confirmation, externalReference, paymentMethod, placedAt, shippingAddress } = request;
  const terms: { -readonly [Term in keyof OrderTerms]: OrderTerms[Term] } = {
    customerId,
    currency: currencyOf(request),
    lines: request.orderLines.map(({ productId, quantity, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: unitPrice.amount,
    })),
    shippingAddress,
    paymentMethod,
    confirmation,
    bodyHash: sha256(canonicalBody(request, customerId)),
    reservationTtlMs: valueOf(reservationTtlSeconds, settings) * 1_000,
  };
  if (billingAddress !== undefined) terms.billingAddress = billingAddress;
  if (externalReference !== undefined) terms.externalReference = externalReference;
  if (placedAt !== undefined) terms.placedAt = placedAt;
  return terms;
}

/** Canonical because the schema's keys are in alphabetical order, and these are too. Absent members leave no trace. */
export function canonicalBody(request: PlaceOrderRequest, customerId: string): string {
  const { billingAddress, confirmation, externalReference, orderLines, paymentMethod, placedAt, shippingAddress } =
    request;
  return JSON.stringify({
    billingAddress: billingAddress ?? shippingAddress,
    confirmation,
    customerId,
    externalReference,
    orderLines,
    paymentMethod,
    placedAt,
    shippingAddress,
  });
}

function customerOf({ customerId, placedAt }: PlaceOrderRequest, principal: Principal): string {
  if (isStaff(principal)) return customerId ?? principal.customerId;
  if (customerId !== undefined && customerId !== principal.customerId) {
    throw new Problem('forbidden', 'A customer places orders of its own; leave customerId out.');
  }
  if (placedAt !== undefined)
    throw new Problem('forbidden', 'Only staff may say when an order was placed; leave placedAt out.');
  return principal.customerId;
}

function currencyOf({ orderLines }: PlaceOrderRequest): string {
  const currency = orderLines[0]?.unitPrice.currency ?? '';
  if (orderLines.every(({ unitPrice }) => unitPrice.currency === currency)) return currency;
  const errors = orderLines.flatMap(({ unitPrice }, index) =>
    unitPrice.currency === currency
      ? []
      : [
          {
            pointer: `/orderLines/${index}/unitPrice/currency`,
            code: 'currency_mismatch',
            detail: `must be ${currency}, as in the first line`,
          },
        ],
  );
  const detail = 'All lines of an order must have the same currency.';
  throw new Problem(CURRENCY_MISMATCH, detail, { errors: errors.slice(0, ERRORS_MAX) });
}
