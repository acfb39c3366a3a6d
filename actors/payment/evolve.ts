/** The payment as it follows from its events. The states are drawn in payment.ts. */
import { impossible } from '../../kernel/decider.ts';
import { openCall, type KnownPayment, type PaymentEvent, type PaymentState } from './payment.ts';

export function evolvePayment(state: PaymentState, event: PaymentEvent): PaymentState {
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
  { paymentId, amount, currency, method }: KnownPayment,
  authorizationId: string,
  status: Status,
) {
  return { status, paymentId, amount, currency, method, authorizationId };
}

function captureFailureOf(state: { readonly captureFailure?: string }): { captureFailure?: string } {
  return state.captureFailure === undefined ? {} : { captureFailure: state.captureFailure };
}
