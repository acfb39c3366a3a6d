/** The events of a payment as the journal stores them. */
import type { EventForms } from '../../persistence/event-codec.ts';
import type { PaymentEvent } from './payment.ts';

export const paymentEvents: EventForms<PaymentEvent> = {
  AuthorizationStarted: [],
  PaymentAuthorized: [],
  PaymentDeclined: [],
  CaptureStarted: [],
  PaymentCaptured: [],
  PaymentCaptureFailed: [],
  PaymentReversalRequested: [],
  PaymentAbandoned: [],
  VoidStarted: [],
  PaymentVoided: [],
  RefundStarted: [],
  PaymentRefunded: [],
  CallRenewed: [],
};
