/** Reservation as an actor: see reservation.ts for what it decides. Only its order speaks to it. */
import { RESERVATION_PREFIX } from './reservation.ts';
import { reservationDecider } from './decider.ts';
import { reservationPublicEvents } from './public-events.ts';
import { reservationEvents } from './stored-events.ts';
import { reservationAudit } from './audit.ts';
import { defineActor } from '../define-actor.ts';

const MAILBOX_MAX = 100;
/** Once it is settled hardly anybody asks for it again, and what stays is copied by each garbage collection. */
const IDLE_MS = 50;

export const reservationActor = defineActor({
  prefix: RESERVATION_PREFIX,
  routedBy: 'order',
  decider: reservationDecider,
  events: reservationEvents,
  publicEvents: reservationPublicEvents,
  limits: { mailboxMax: MAILBOX_MAX, idleMs: IDLE_MS },
  audit: reservationAudit,
});
