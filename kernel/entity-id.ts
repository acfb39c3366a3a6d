/**
 * Entity ids. An order's payment and reservation carry its id, so all three share one routing key and live in one
 * shard; a stock item routes by its product. The prefix tells the kind.
 */
import { invariant } from './invariant.ts';
import type { EntityKind } from './decider.ts';

const PREFIX = { order: 'ord_', payment: 'pay_', reservation: 'res_', stock: 'stk_' } as const;
const KIND_BY_PREFIX = new Map<string, EntityKind>(
  (Object.keys(PREFIX) as EntityKind[]).map((kind) => [PREFIX[kind], kind]),
);
const PREFIX_LENGTH = 4;

export const orderEntity = (orderId: string): string => PREFIX.order + orderId;
export const paymentEntity = (orderId: string): string => PREFIX.payment + orderId;
export const reservationEntity = (orderId: string): string => PREFIX.reservation + orderId;
export const stockEntity = (productId: string): string => PREFIX.stock + productId;

export function isEntityId(text: string): boolean {
  return KIND_BY_PREFIX.has(text.slice(0, PREFIX_LENGTH));
}

/** @throws InvariantViolation for a text that is no entity id. */
export function kindOf(entityId: string): EntityKind {
  const kind = KIND_BY_PREFIX.get(entityId.slice(0, PREFIX_LENGTH));
  invariant(kind !== undefined, `${entityId} is an entity id`);
  return kind;
}

/** What decides the shard: the order's id, or the product. */
export function routingKeyOf(entityId: string): string {
  return entityId.slice(PREFIX_LENGTH);
}
