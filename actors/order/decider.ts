/** The pure half of an order, of its parts. */
import type { Decider } from '../../kernel/decider.ts';
import { defineDecider } from '../../kernel/define-decider.ts';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { decideOrder } from './decide.ts';
import { evolveOrder } from './evolve.ts';
import type { OrderCommand, OrderEvent, OrderRefusal, OrderState } from './order.ts';
import { orderSteps } from './steps.ts';

export const orderDecider: Decider<OrderState, OrderCommand, OrderEvent, OrderRefusal> = defineDecider({
  kind: 'order',
  initial: (entityId): OrderState => ({ status: 'Absent', orderId: routingKeyOf(entityId) }),
  decide: decideOrder,
  evolve: evolveOrder,
  steps: orderSteps,
  deadline: {
    at: (state) => (state.status === 'PaymentAuthorized' ? state.confirmBy : undefined),
    command: { type: 'ExpireOrder' },
  },
  /** The whole state: it is plain JSON and never changed. */
  answer: (state) => state,
  exists: (state) => state.status !== 'Absent',
});
