/** All kinds of entities as the shell runs them. */
import type { EntityKind } from '../kernel/decider.ts';
import type { EntityType } from '../runtime/entity/entity-type.ts';
import { orderActor } from './order/index.ts';
import { paymentActor } from './payment/index.ts';
import { reservationActor } from './reservation/index.ts';
import { stockActor } from './stock/index.ts';

export const ENTITY_TYPES: Readonly<Record<EntityKind, EntityType>> = {
  order: orderActor,
  payment: paymentActor,
  reservation: reservationActor,
  stock: stockActor,
};
