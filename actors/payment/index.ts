/** Payment as an actor: see payment.ts for what it decides, providers/ for whom it calls. */
import { choiceSetting } from '../../config/setting.ts';
import { PAYMENT_PREFIX, PROVIDER_PORT } from './payment.ts';
import { paymentDecider } from './decider.ts';
import { PROVIDERS } from './providers/index.ts';
import { paymentPublicEvents } from './public-events.ts';
import { paymentEvents } from './stored-events.ts';
import { paymentAudit } from './audit.ts';
import { defineActor } from '../define-actor.ts';

const MAILBOX_MAX = 100;
/** As an order: once it has ended, all that stays is copied by each garbage collection. */
const ENDED_IDLE_MS = 50;
/** Between its authorization and its capture lies a commit of its order, which under load takes its time. */
const AUTHORIZED_IDLE_MS = 250;

/** A provider that says nothing for so long is asked again, under the same key. */
const PROVIDER_TIMEOUT_MS = 30_000;

export const paymentActor = defineActor({
  prefix: PAYMENT_PREFIX,
  routedBy: 'order',
  decider: paymentDecider,
  events: paymentEvents,
  publicEvents: paymentPublicEvents,
  outside: {
    [PROVIDER_PORT]: {
      what: 'the payment provider',
      setting: choiceSetting('PAYMENT_PROVIDER', Object.keys(PROVIDERS), 'simulated'),
      implementations: PROVIDERS,
      timeoutMs: PROVIDER_TIMEOUT_MS,
    },
  },
  limits: {
    mailboxMax: MAILBOX_MAX,
    idleMs: ({ status }) => (status === 'Authorized' ? AUTHORIZED_IDLE_MS : ENDED_IDLE_MS),
  },
  audit: paymentAudit,
});
