/** Payment as an actor: see domain/payment for what it decides, payment-provider.ts for whom it calls. */
import { paymentDecider } from '../../domain/payment/payment.ts';
import { EVENT_FORMS } from '../../persistence/event-codec.ts';
import { entityType } from '../entity/entity-type.ts';

const MAILBOX_CAPACITY_MAX = 100;
/** Between its authorization and its capture lies a commit of its order, which under load takes its time. */
const IDLE_MS = 250;

export const paymentActor = entityType(paymentDecider, {
  forms: EVENT_FORMS.payment,
  mailboxCapacityMax: MAILBOX_CAPACITY_MAX,
  idleMs: IDLE_MS,
});
