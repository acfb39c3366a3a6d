/**
 * Payment: the money of one order at the provider. Every call is announced by an intent row with the provider's
 * idempotency key and a `notAfter`, made, and recorded; an in-doubt call is repeated under the same key until its
 * outcome is known (ARCHITECTURE.md section 5). A reversal that comes while a call is open waits for that call's end:
 * an abandoned intent is followed to its end, and a success is then voided or refunded.
 *
 * Keeps invariant 5: 0 <= refunded <= captured <= authorized; what is captured is never voided.
 *
 *   absent --AuthorizationStarted--> Authorizing --PaymentAuthorized--> Authorized --CaptureStarted--> Capturing
 *                                    Authorizing --PaymentDeclined--> Declined
 *   Capturing --PaymentCaptured--> Captured --RefundStarted--> Refunding --PaymentRefunded--> Refunded
 *   Capturing --PaymentCaptureFailed--> Authorized (uncapturable)
 *   Authorized --VoidStarted--> Voiding --PaymentVoided--> Voided
 *   absent --PaymentAbandoned--> Voided          (nothing was ever asked of the provider, and never will be)
 *   any open call --PaymentReversalRequested--> the same, `reversing`;   --CallRenewed--> the same, later notAfter
 */
import type { EpochMs } from '../../kernel/clock.ts';
import {
  accepted,
  alreadyDone,
  impossible,
  rejected,
  type Decider,
  type Decision,
  type CallOut,
  type Effect,
  type GatherAnswer,
  type LAPSED,
  type OutsideCall,
} from '../../kernel/decider.ts';

export const PAYMENT_PREFIX = 'pay_';
/** A payment carries the id of its order: both live in one shard. */
export const paymentEntity = (orderId: string): string => PAYMENT_PREFIX + orderId;

/** The name of the port to the provider. */
export const PROVIDER_PORT = 'provider';
/** A provider call starts only within this time of its intent; then the intent is renewed under the same key. */
export const CALL_WINDOW_MS = 10 * 60_000;

export interface PaymentMethod {
  readonly type: 'card' | 'paypal' | 'applepay' | 'invoice';
  readonly token: string;
}

export type ProviderStep = 'authorize' | 'capture' | 'void' | 'refund';

/** One call to the provider. The same key at every repetition: the provider charges once. */
export interface ProviderCall extends OutsideCall {
  readonly step: ProviderStep;
  readonly amount: number;
  readonly currency: string;
  readonly method: PaymentMethod;
  /** The provider's id of the authorization; absent in `authorize`. */
  readonly authorizationId?: string;
}

/** Voids and refunds are never refused for good. */
export type ProviderOutcome =
  | { readonly kind: 'approved'; readonly reference: string }
  | { readonly kind: 'refused'; readonly code: string }
  | typeof LAPSED;

export type PaymentCommand =
  | { readonly type: 'Authorize'; readonly amount: number; readonly currency: string; readonly method: PaymentMethod }
  | { readonly type: 'Capture' }
  | { readonly type: 'Reverse' }
  | { readonly type: 'RecordProviderOutcome'; readonly step: ProviderStep; readonly outcome: ProviderOutcome };

/**
 * What a call was about, in the event that ends it: a public message is made of that event alone. Rows from before the
 * first release may lack it, so nothing is decided by it.
 */
export interface PaymentSum {
  readonly amount: number;
  readonly currency: string;
}

export type PaymentEvent =
  | {
      readonly type: 'AuthorizationStarted';
      readonly amount: number;
      readonly currency: string;
      readonly method: PaymentMethod;
      readonly notAfter: EpochMs;
    }
  | ({ readonly type: 'PaymentAuthorized'; readonly authorizationId: string } & PaymentSum)
  | ({ readonly type: 'PaymentDeclined'; readonly code: string } & PaymentSum)
  | { readonly type: 'CaptureStarted'; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentCaptured'; readonly captureId: string } & PaymentSum)
  | ({ readonly type: 'PaymentCaptureFailed'; readonly code: string } & PaymentSum)
  | { readonly type: 'PaymentReversalRequested' }
  | { readonly type: 'PaymentAbandoned' }
  | { readonly type: 'VoidStarted'; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentVoided'; readonly voidId: string } & PaymentSum)
  | { readonly type: 'RefundStarted'; readonly amount: number; readonly notAfter: EpochMs }
  | ({ readonly type: 'PaymentRefunded'; readonly refundId: string } & PaymentSum)
  | { readonly type: 'CallRenewed'; readonly step: ProviderStep; readonly notAfter: EpochMs };

export type PaymentRefusal = {
  readonly code: 'illegal_transition';
  readonly from: string;
  readonly allowed: readonly string[];
};

interface Known {
  readonly paymentId: string;
  readonly amount: number;
  readonly currency: string;
  readonly method: PaymentMethod;
}
interface Approved extends Known {
  readonly authorizationId: string;
}
interface OpenCall {
  readonly notAfter: EpochMs;
}

export type PaymentState =
  | { readonly status: 'Absent'; readonly paymentId: string }
  | (Known & OpenCall & { readonly status: 'Authorizing'; readonly reversing: boolean })
  | (Known & { readonly status: 'Declined'; readonly code: string })
  | (Approved & { readonly status: 'Authorized'; readonly captureFailure?: string })
  | (Approved & OpenCall & { readonly status: 'Capturing'; readonly reversing: boolean })
  | (Approved & { readonly status: 'Captured' })
  | (Approved & OpenCall & { readonly status: 'Voiding'; readonly captureFailure?: string })
  | (Approved & OpenCall & { readonly status: 'Refunding' })
  | (Approved & { readonly status: 'Refunded' })
  | {
      readonly status: 'Voided';
      readonly paymentId: string;
      readonly authorized: number;
      readonly captureFailure?: string;
    };

/** What the order is told: the status once no call is open, and the sums. */
export interface PaymentOutcome {
  readonly status:
    | 'Absent'
    | 'Authorizing'
    | 'Declined'
    | 'Authorized'
    | 'Capturing'
    | 'Captured'
    | 'Voiding'
    | 'Refunding'
    | 'Refunded'
    | 'Voided';
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
  /** Why it was declined, or could not be captured. */
  readonly code?: string;
}

function decide(state: PaymentState, command: PaymentCommand, at: EpochMs): Decision<PaymentEvent, PaymentRefusal> {
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

function decideReversal(state: PaymentState, notAfter: EpochMs): Decision<PaymentEvent, PaymentRefusal> {
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
): Decision<PaymentEvent, PaymentRefusal> {
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

/** The provider call that this state waits for. */
function openCall(state: PaymentState): ProviderStep | undefined {
  switch (state.status) {
    case 'Authorizing':
      return 'authorize';
    case 'Capturing':
      return 'capture';
    case 'Voiding':
      return 'void';
    case 'Refunding':
      return 'refund';
    default:
      return undefined;
  }
}

function evolve(state: PaymentState, event: PaymentEvent): PaymentState {
  const refuse = (): never => impossible('payment', state.status, event);
  switch (event.type) {
    case 'AuthorizationStarted': {
      if (state.status !== 'Absent') return refuse();
      const { amount, currency, method, notAfter } = event;
      return {
        status: 'Authorizing',
        paymentId: state.paymentId,
        amount,
        currency,
        method,
        notAfter,
        reversing: false,
      };
    }
    case 'PaymentAuthorized':
      if (state.status !== 'Authorizing') return refuse();
      return approved(state, event.authorizationId, 'Authorized');
    case 'PaymentDeclined': {
      if (state.status !== 'Authorizing') return refuse();
      const { paymentId, amount, currency, method } = state;
      return { status: 'Declined', paymentId, amount, currency, method, code: event.code };
    }
    case 'CaptureStarted': {
      if (state.status !== 'Authorized' || state.captureFailure !== undefined) return refuse();
      const { paymentId, amount, currency, method, authorizationId } = state;
      const { notAfter } = event;
      const reversing = false;
      return { status: 'Capturing', paymentId, amount, currency, method, authorizationId, notAfter, reversing };
    }
    case 'PaymentCaptured':
      if (state.status !== 'Capturing' || event.amount !== state.amount) return refuse();
      return approved(state, state.authorizationId, 'Captured');
    case 'PaymentCaptureFailed':
      if (state.status !== 'Capturing') return refuse();
      return { ...approved(state, state.authorizationId, 'Authorized'), captureFailure: event.code };
    case 'PaymentReversalRequested':
      if ((state.status !== 'Authorizing' && state.status !== 'Capturing') || state.reversing) return refuse();
      return { ...state, reversing: true };
    case 'PaymentAbandoned':
      if (state.status !== 'Absent') return refuse();
      return { status: 'Voided', paymentId: state.paymentId, authorized: 0 };
    case 'VoidStarted':
      if (state.status !== 'Authorized') return refuse();
      return {
        ...approved(state, state.authorizationId, 'Voiding'),
        ...captureFailureOf(state),
        notAfter: event.notAfter,
      };
    case 'PaymentVoided':
      if (state.status !== 'Voiding') return refuse();
      return { status: 'Voided', paymentId: state.paymentId, authorized: state.amount, ...captureFailureOf(state) };
    case 'RefundStarted':
      if (state.status !== 'Captured' || event.amount !== state.amount) return refuse();
      return { ...approved(state, state.authorizationId, 'Refunding'), notAfter: event.notAfter };
    case 'PaymentRefunded':
      if (state.status !== 'Refunding' || event.amount !== state.amount) return refuse();
      return approved(state, state.authorizationId, 'Refunded');
    case 'CallRenewed':
      if (openCall(state) !== event.step) return refuse();
      return { ...state, notAfter: event.notAfter } as PaymentState;
    default:
      return refuse();
  }
}

/** Written out: to spread a state and add to it costs fifty times as much. */
function approved<Status extends PaymentState['status']>(
  { paymentId, amount, currency, method }: Known,
  authorizationId: string,
  status: Status,
) {
  return { status, paymentId, amount, currency, method, authorizationId };
}

function captureFailureOf(state: { readonly captureFailure?: string }): { captureFailure?: string } {
  return state.captureFailure === undefined ? {} : { captureFailure: state.captureFailure };
}

function outstanding(state: PaymentState): CallOut<ProviderCall>[] {
  const step = openCall(state);
  if (!step) return [];
  const { paymentId, amount, currency, method, notAfter, authorizationId } = state as Known &
    OpenCall &
    Partial<Approved>;
  const idempotencyKey = `${paymentId}/${step}`;
  const call: ProviderCall =
    authorizationId === undefined
      ? { step, idempotencyKey, notAfter, amount, currency, method }
      : { step, idempotencyKey, notAfter, amount, currency, method, authorizationId };
  return [{ kind: 'call', key: step, port: PROVIDER_PORT, call }];
}

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

export const paymentDecider: Decider<PaymentState, PaymentCommand, PaymentEvent, PaymentRefusal> = {
  kind: 'payment',
  initial: (entityId) => ({ status: 'Absent', paymentId: entityId }),
  decide,
  evolve,
  outstanding,
  conclude: (effect: Effect, answer: GatherAnswer): PaymentCommand => {
    const { step } = (effect as CallOut<ProviderCall>).call;
    if (answer.kind === 'rejected') return impossible('payment', step, { type: 'a rejected provider call' });
    return { type: 'RecordProviderOutcome', step, outcome: answer.value as ProviderOutcome };
  },
  deadline: () => undefined,
  onDeadline: () => undefined,
  isAtRest: (state) => openCall(state) === undefined,
  answer: outcomeOf,
  exists: (state) => state.status !== 'Absent',
};
