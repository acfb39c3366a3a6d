/** The provider calls that a payment waits for: one at a time, each announced by an intent row. */
import { callStep, type Step } from '../../kernel/step.ts';
import {
  openCall,
  PROVIDER_PORT,
  type PaymentCommand,
  type PaymentState,
  type PaymentWithOpenCall,
  type ProviderCall,
  type ProviderOutcome,
  type ProviderStep,
} from './payment.ts';

/** Every call is concluded alike: `decide` knows by the step which one has ended. */
const providerCall = (key: ProviderStep): Step<PaymentState, PaymentCommand> =>
  callStep({
    key,
    when: (state: PaymentState): state is PaymentWithOpenCall => openCall(state) === key,
    port: PROVIDER_PORT,
    call: (state) => callOf(state, key),
    conclude: (outcome: ProviderOutcome): PaymentCommand => ({ type: 'RecordProviderOutcome', step: key, outcome }),
  });

function callOf(state: PaymentWithOpenCall, step: ProviderStep): ProviderCall {
  const { paymentId, amount, currency, method, notAfter } = state;
  const idempotencyKey = `${paymentId}/${step}`;
  if (state.status === 'Authorizing') return { step, idempotencyKey, notAfter, amount, currency, method };
  const { authorizationId } = state;
  return { step, idempotencyKey, notAfter, amount, currency, method, authorizationId };
}

export const paymentSteps: readonly Step<PaymentState, PaymentCommand>[] = [
  providerCall('authorize'),
  providerCall('capture'),
  providerCall('void'),
  providerCall('refund'),
];
