/** What an audit proves of payments (invariant 5). */
import { broken, type AuditDefinition, type BrokenRule } from '../../audit/audit-definition.ts';
import type { PaymentEvent, PaymentState } from './payment.ts';

export const paymentAudit: AuditDefinition<PaymentState, PaymentEvent> = {
  brokenByEvent: brokenByPayment,
  status: ({ status }) => status,
};

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function brokenByPayment(state: PaymentState, event: PaymentEvent): BrokenRule | undefined {
  switch (event.type) {
    case 'AuthorizationStarted':
      return isCount(event.amount)
        ? undefined
        : broken(5, 'an amount in whole minor units', `AuthorizationStarted of ${String(event.amount)}`);
    case 'CaptureStarted':
    case 'PaymentCaptured': {
      const voided = state.status === 'Voided' || state.status === 'Voiding';
      if (voided) return broken(5, 'nothing captured of a voided payment', event.type);
      if (event.type === 'CaptureStarted') return undefined;
      const authorized = amountOf(state);
      return isCount(event.amount) && event.amount <= authorized
        ? undefined
        : broken(5, `at most the ${authorized} authorized`, `PaymentCaptured of ${String(event.amount)}`);
    }
    case 'VoidStarted':
    case 'PaymentVoided': {
      const captured = state.status === 'Captured' || state.status === 'Refunding' || state.status === 'Refunded';
      return captured ? broken(5, 'a captured payment to be refunded, not voided', event.type) : undefined;
    }
    case 'RefundStarted':
    case 'PaymentRefunded': {
      const captured = state.status === 'Captured' || state.status === 'Refunding' ? amountOf(state) : 0;
      return isCount(event.amount) && event.amount <= captured
        ? undefined
        : broken(
            5,
            `at most the ${captured} captured and not yet refunded`,
            `${event.type} of ${String(event.amount)}`,
          );
    }
    default:
      return undefined;
  }
}

function amountOf(state: PaymentState): number {
  if (state.status === 'Absent') return 0;
  return state.status === 'Voided' ? state.authorized : state.amount;
}
