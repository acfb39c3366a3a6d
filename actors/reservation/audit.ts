/** What an audit proves of reservations (invariant 7), and the holds that stock must have open for them. */
import { broken, type AuditDefinition, type BrokenRule } from '../../audit/audit-definition.ts';
import type { OrderState } from '../order/order.ts';
import type { ReservationEvent, ReservationState } from './reservation.ts';

export const reservationAudit: AuditDefinition<ReservationState, ReservationEvent> = {
  brokenByEvent: brokenByReservation,
  status: ({ status }) => status,
  contributes: {
    to: 'stock',
    of: (state) => (state.status === 'Held' ? state.items : []),
    isMoving: (state, order) => holdsAreMoving(order as OrderState, state),
    leftOver: ({ status }, productId, quantity) =>
      broken(6, `nothing held, as it is ${status}`, `${quantity} units of ${productId} are still held`),
  },
};

function brokenByReservation(state: ReservationState, event: ReservationEvent): BrokenRule | undefined {
  if (state.status === 'Released') return broken(7, 'nothing after its release', event.type);
  if (event.type === 'InventoryReleased' || state.status === 'Absent') return undefined;
  return broken(7, `one outcome, which was ${state.status}`, event.type);
}

/** True while holds of the reservation may be open or closed: it is being made, or being released. */
function holdsAreMoving(order: OrderState, reservation: ReservationState): boolean {
  if (order.status === 'Created') return reservation.status !== 'Held';
  return order.status === 'CancellationPending' && order.releasePending;
}
