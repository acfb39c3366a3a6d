/** What a payment decides on a command, and on what the provider answered. */
import type { EpochMs } from '../../kernel/clock.ts';
import { accepted, alreadyDone, rejected, type Decision } from '../../kernel/decider.ts';
import {
  CALL_WINDOW_MS,
  openCall,
  type PaymentCommand,
  type PaymentEvent,
  type PaymentRefusal,
  type PaymentState,
  type ProviderOutcome,
  type ProviderStep,
} from './payment.ts';

type PaymentDecision = Decision<PaymentEvent, PaymentRefusal>;

export function decidePayment(state: PaymentState, command: PaymentCommand, at: EpochMs): PaymentDecision {
  const notAfter = at + CALL_WINDOW_MS;
  switch (command.type) {
    case 'Authorize': {
      if (state.status !== 'Absent') return alreadyDone;
      const { amount, currency, method } = command;
      return accepted<PaymentEvent>({ type: 'AuthorizationStarted', amount, currency, method, notAfter });
    }
    case 'Capture':
      if (state.status === 'Absent' || state.status === 'Authorizing') {
        return rejected({ code: 'illegal_transition', from: state.status, allowed: [] });
      }
      if (state.status !== 'Authorized' || state.captureFailure !== undefined) return alreadyDone;
      return accepted<PaymentEvent>({ type: 'CaptureStarted', notAfter });
    case 'Reverse':
      return decideReversal(state, notAfter);
    case 'RecordProviderOutcome':
      return decideOutcome(state, command.step, command.outcome, notAfter);
  }
}

function decideReversal(state: PaymentState, notAfter: EpochMs): PaymentDecision {
  switch (state.status) {
    case 'Absent':
      return accepted<PaymentEvent>({ type: 'PaymentAbandoned' });
    case 'Authorizing':
    case 'Capturing':
      return state.reversing ? alreadyDone : accepted<PaymentEvent>({ type: 'PaymentReversalRequested' });
    case 'Authorized':
      return accepted<PaymentEvent>({ type: 'VoidStarted', notAfter });
    case 'Captured':
      return accepted<PaymentEvent>({ type: 'RefundStarted', amount: state.amount, notAfter });
    case 'Declined':
    case 'Voiding':
    case 'Voided':
    case 'Refunding':
    case 'Refunded':
      return alreadyDone;
  }
}

function decideOutcome(
  state: PaymentState,
  step: ProviderStep,
  outcome: ProviderOutcome,
  notAfter: EpochMs,
): PaymentDecision {
  const call = openCall(state);
  if (call !== step) return alreadyDone; // a second answer to a call that has ended
  if (outcome.kind === 'lapsed') return accepted<PaymentEvent>({ type: 'CallRenewed', step, notAfter });
  switch (state.status) {
    case 'Authorizing': {
      const { amount, currency } = state;
      if (outcome.kind === 'refused')
        return accepted<PaymentEvent>({ type: 'PaymentDeclined', code: outcome.code, amount, currency });
      const authorizationId = outcome.reference;
      const authorized: PaymentEvent = { type: 'PaymentAuthorized', authorizationId, amount, currency };
      return state.reversing
        ? accepted<PaymentEvent>(authorized, { type: 'VoidStarted', notAfter })
        : accepted<PaymentEvent>(authorized);
    }
    case 'Capturing': {
      const { amount, currency, reversing } = state;
      if (outcome.kind === 'refused') {
        const failed: PaymentEvent = { type: 'PaymentCaptureFailed', code: outcome.code, amount, currency };
        return reversing
          ? accepted<PaymentEvent>(failed, { type: 'VoidStarted', notAfter })
          : accepted<PaymentEvent>(failed);
      }
      const captured: PaymentEvent = { type: 'PaymentCaptured', captureId: outcome.reference, amount, currency };
      return reversing
        ? accepted<PaymentEvent>(captured, { type: 'RefundStarted', amount, notAfter })
        : accepted<PaymentEvent>(captured);
    }
    case 'Voiding': {
      if (outcome.kind === 'refused')
        return rejected({ code: 'illegal_transition', from: state.status, allowed: ['Voided'] });
      const { amount, currency } = state;
      return accepted<PaymentEvent>({ type: 'PaymentVoided', voidId: outcome.reference, amount, currency });
    }
    case 'Refunding': {
      if (outcome.kind === 'refused')
        return rejected({ code: 'illegal_transition', from: state.status, allowed: ['Refunded'] });
      const { amount, currency } = state;
      return accepted<PaymentEvent>({ type: 'PaymentRefunded', refundId: outcome.reference, amount, currency });
    }
    default:
      return alreadyDone;
  }
}
