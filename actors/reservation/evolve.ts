/** The reservation as it follows from its events. The states are drawn in reservation.ts. */
import { impossible } from '../../kernel/decider.ts';
import type { ReservationEvent, ReservationState } from './reservation.ts';

export function evolveReservation(state: ReservationState, event: ReservationEvent): ReservationState {
  const { reservationId } = state;
  switch (event.type) {
    case 'InventoryReserved':
      if (state.status !== 'Absent') return impossible('reservation', state.status, event);
      return { status: 'Held', reservationId, items: event.items, notAfter: event.notAfter };
    case 'InventoryUnavailable':
      if (state.status !== 'Absent') return impossible('reservation', state.status, event);
      return { status: 'Refused', reservationId, shortages: event.shortages };
    case 'InventoryReleased':
      if (state.status === 'Released') return impossible('reservation', state.status, event);
      return { status: 'Released', reservationId, reason: event.reason };
    default:
      return impossible('reservation', state.status, event);
  }
}
