/** The pure half of a reservation, of its parts. It gathers while it decides, and waits for nobody afterwards. */
import type { Decider } from '../../kernel/decider.ts';
import { defineDecider } from '../../kernel/define-decider.ts';
import { decideReservation } from './decide.ts';
import { evolveReservation } from './evolve.ts';
import type {
  ReservationCommand,
  ReservationEvent,
  ReservationOutcome,
  ReservationRefusal,
  ReservationState,
} from './reservation.ts';

export const reservationDecider: Decider<ReservationState, ReservationCommand, ReservationEvent, ReservationRefusal> =
  defineDecider({
    kind: 'reservation',
    initial: (entityId): ReservationState => ({ status: 'Absent', reservationId: entityId }),
    decide: decideReservation,
    evolve: evolveReservation,
    answer: outcomeOf,
    exists: (state) => state.status !== 'Absent',
  });

function outcomeOf(state: ReservationState): ReservationOutcome | { readonly status: 'Absent' } {
  if (state.status === 'Refused') return { status: 'Refused', shortages: state.shortages };
  return { status: state.status };
}
