/** Payment as an actor: see payment.ts for what it decides, providers/ for whom it calls. */
import { paymentDecider, type PaymentState } from './payment.ts';
import { EVENT_FORMS } from '../../persistence/event-codec.ts';
import { defineActor } from '../define-actor.ts';
import { entityType } from '../../runtime/entity/entity-type.ts';

const MAILBOX_CAPACITY_MAX = 100;
/** As an order: once it has ended, all that stays is copied by each garbage collection. */
const ENDED_IDLE_MS = 50;
/** Between its authorization and its capture lies a commit of its order, which under load takes its time. */
const AUTHORIZED_IDLE_MS = 250;

export const paymentActor = defineActor({
  kind: 'payment',
  prefix: 'pay_',
  type: entityType(paymentDecider, {
    forms: EVENT_FORMS.payment,
    mailboxCapacityMax: MAILBOX_CAPACITY_MAX,
    idleMs: (state) => ((state as PaymentState).status === 'Authorized' ? AUTHORIZED_IDLE_MS : ENDED_IDLE_MS),
  }),
});
