/** The events of a reservation as the journal stores them. */
import type { EventForms } from '../../persistence/event-codec.ts';
import type { ReservationEvent } from './reservation.ts';

export const reservationEvents: EventForms<ReservationEvent> = {
  InventoryReserved: [],
  InventoryUnavailable: [],
  InventoryReleased: [],
};
