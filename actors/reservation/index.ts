/** Reservation as an actor: see reservation.ts for what it decides. Only its order speaks to it. */
import { reservationDecider } from './reservation.ts';
import { EVENT_FORMS } from '../../persistence/event-codec.ts';
import { defineActor } from '../define-actor.ts';
import { entityType } from '../../runtime/entity/entity-type.ts';

const MAILBOX_CAPACITY_MAX = 100;
/** Once it is settled hardly anybody asks for it again, and what stays is copied by each garbage collection. */
const IDLE_MS = 50;

export const reservationActor = defineActor({
  kind: 'reservation',
  prefix: 'res_',
  type: entityType(reservationDecider, {
    forms: EVENT_FORMS.reservation,
    mailboxCapacityMax: MAILBOX_CAPACITY_MAX,
    idleMs: IDLE_MS,
  }),
});
