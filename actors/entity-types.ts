/** All kinds of entities as the shell runs them. */
import type { EntityKind } from '../domain/decider.ts';
import type { EntityType } from './entity/entity-type.ts';
import { orderActor } from './order/order-actor.ts';
import { paymentActor } from './payment/payment-actor.ts';
import { reservationActor } from './reservation/reservation-actor.ts';
import { stockActor } from './stock/stock-actor.ts';

export const ENTITY_TYPES: Readonly<Record<EntityKind, EntityType>> = {
  order: orderActor,
  payment: paymentActor,
  reservation: reservationActor,
  stock: stockActor,
};
