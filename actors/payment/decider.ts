/** The pure half of a payment, of its parts. */
import type { Decider } from '../../kernel/decider.ts';
import { defineDecider } from '../../kernel/define-decider.ts';
import { decidePayment } from './decide.ts';
import { evolvePayment } from './evolve.ts';
import type { PaymentCommand, PaymentEvent, PaymentOutcome, PaymentRefusal, PaymentState } from './payment.ts';
import { paymentSteps } from './steps.ts';

export const paymentDecider: Decider<PaymentState, PaymentCommand, PaymentEvent, PaymentRefusal> = defineDecider({
  kind: 'payment',
  initial: (entityId): PaymentState => ({ status: 'Absent', paymentId: entityId }),
  decide: decidePayment,
  evolve: evolvePayment,
  steps: paymentSteps,
  answer: outcomeOf,
  exists: (state) => state.status !== 'Absent',
});

function outcomeOf(state: PaymentState): PaymentOutcome {
  const { status } = state;
  switch (state.status) {
    case 'Absent':
    case 'Authorizing':
      return { status, authorized: 0, captured: 0, refunded: 0 };
    case 'Declined':
      return { status, authorized: 0, captured: 0, refunded: 0, code: state.code };
    case 'Authorized':
    case 'Capturing':
    case 'Voiding': {
      const code =
        state.status !== 'Capturing' && state.captureFailure !== undefined ? { code: state.captureFailure } : {};
      return { status, authorized: state.amount, captured: 0, refunded: 0, ...code };
    }
    case 'Voided': {
      const code = state.captureFailure === undefined ? {} : { code: state.captureFailure };
      return { status, authorized: state.authorized, captured: 0, refunded: 0, ...code };
    }
    case 'Captured':
    case 'Refunding':
      return { status, authorized: state.amount, captured: state.amount, refunded: 0 };
    case 'Refunded':
      return { status, authorized: state.amount, captured: state.amount, refunded: state.amount };
  }
}
