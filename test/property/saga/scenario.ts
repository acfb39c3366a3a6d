/** What a simulation starts from, and how fast-check makes one. */
import fc from 'fast-check';
import { reservationEntity } from '../../../actors/reservation/reservation.ts';
import type { OrderTerms } from '../../../actors/order/order.ts';
import type { ProviderTemper } from './simulated-provider.ts';

export interface SimulatedOrder {
  readonly lines: readonly { readonly product: number; readonly quantity: number }[];
  readonly temper: ProviderTemper;
  readonly confirmation: 'automatic' | 'manual';
}

export interface Scenario {
  readonly orders: readonly SimulatedOrder[];
  /** Units of each product in the warehouses main and north. */
  readonly stock: readonly (readonly [main: number, north: number])[];
  readonly remembersCommandIds: boolean;
  readonly choices: readonly number[];
}

const PRODUCTS = 3;
export const RESERVATION_TTL_MS = 15 * 60_000;

const order: fc.Arbitrary<SimulatedOrder> = fc.record({
  lines: fc.array(fc.record({ product: fc.nat(PRODUCTS - 1), quantity: fc.integer({ min: 1, max: 3 }) }), {
    minLength: 1,
    maxLength: 4,
  }),
  temper: fc.oneof(
    { arbitrary: fc.constant<ProviderTemper>('approves'), weight: 3 },
    { arbitrary: fc.constant<ProviderTemper>('declines'), weight: 1 },
    { arbitrary: fc.constant<ProviderTemper>('refuses capture'), weight: 1 },
  ),
  confirmation: fc.constantFrom('automatic', 'manual'),
});

/** @param stepsMax about how many numbers chance may use before the world heals. */
export function scenarios(stepsMax: number): fc.Arbitrary<Scenario> {
  return fc.record({
    orders: fc.array(order, { minLength: 2, maxLength: 4 }),
    stock: fc.array(fc.tuple(fc.nat(6), fc.nat(2)), { minLength: PRODUCTS, maxLength: PRODUCTS }),
    remembersCommandIds: fc.boolean(),
    choices: fc.array(fc.nat(9_999), { maxLength: stepsMax, size: 'max' }),
  });
}

export const orderIdOf = (index: number): string => `order-${index}`;
export const productOf = (index: number): string => `product-${index}`;
export const reservationOf = (index: number): string => reservationEntity(orderIdOf(index));

/** The provider's name for this order's money; its second part says how the provider takes it. */
export const tokenOf = ({ temper }: SimulatedOrder, index: number): string => `order-${index}:${temper}`;

export function termsOf(order: SimulatedOrder, index: number): OrderTerms {
  return {
    customerId: 'customer',
    currency: 'GBP',
    lines: order.lines.map(({ product, quantity }) => ({
      productId: productOf(product),
      quantity,
      unitPrice: 100 + product,
    })),
    shippingAddress: { street: 's', city: 'c', state: '', postalCode: 'p', country: 'GB' },
    paymentMethod: { type: 'card', token: tokenOf(order, index) },
    confirmation: order.confirmation,
    bodyHash: 'hash',
    reservationTtlMs: RESERVATION_TTL_MS,
  };
}
