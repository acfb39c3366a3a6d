/**
 * Owns the public events of payments. The provider's references and the payment's token are in none of them.
 *
 * `amount` may be missing, since a message must never contradict its schema: rows from before the first release do not
 * hold it. What is optional can become required in v1, never the reverse.
 */
import { z } from 'zod';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { money as moneyOf, type Money } from '../../kernel/money.ts';
import { PRIVATE, published, type PublicEvents } from '../../messaging/contracts/public-event-definition.ts';
import { money, orderId, paymentId, providerCode, SAMPLE_ORDER_ID } from '../public-fields.ts';
import { paymentEntity, type PaymentEvent, type PaymentSum } from './payment.ts';

function paymentData(whatAmount: string) {
  return { paymentId, orderId, amount: money(`${whatAmount}; missing only of payments before 0.1.0`).optional() };
}

const samplePayment = paymentEntity(SAMPLE_ORDER_ID);
const SAMPLE_SUM = { amount: 4_497, currency: 'EUR' } as const;

export const paymentPublicEvents: PublicEvents<PaymentEvent> = {
  correlationId: 'routing key',
  events: {
    PaymentAuthorized: published('payment.authorized.v1', {
      when: 'The provider set the amount aside.',
      schema: z.strictObject(paymentData('What the provider set aside')),
      data: paymentOf,
      sample: {
        ...{ entityId: samplePayment, version: 2, seq: 105, commandId: 'authorize@1' },
        event: { type: 'PaymentAuthorized', authorizationId: '', ...SAMPLE_SUM },
      },
    }),
    PaymentCaptured: published('payment.captured.v1', {
      when: 'The provider took the amount.',
      schema: z.strictObject(paymentData('What was taken')),
      data: paymentOf,
      sample: {
        ...{ entityId: samplePayment, version: 4, seq: 109, commandId: 'capture@3' },
        event: { type: 'PaymentCaptured', captureId: '', ...SAMPLE_SUM },
      },
    }),
    PaymentDeclined: published('payment.declined.v1', {
      when: 'The provider refused to set the amount aside.',
      schema: z.strictObject({ ...paymentData('What was asked for'), providerCode }),
      data: (event, entityId) => ({ ...paymentOf(event, entityId), providerCode: event.code }),
      sample: {
        ...{ entityId: samplePayment, version: 2, seq: 405, commandId: 'authorize@1' },
        event: { type: 'PaymentDeclined', code: 'card_declined', ...SAMPLE_SUM },
      },
    }),
    PaymentVoided: published('payment.voided.v1', {
      when: 'What was set aside is free again; nothing was taken.',
      schema: z.strictObject(paymentData('What had been set aside and is free again')),
      data: paymentOf,
      sample: {
        ...{ entityId: samplePayment, version: 6, seq: 306, commandId: 'void@5' },
        event: { type: 'PaymentVoided', voidId: '', ...SAMPLE_SUM },
      },
    }),
    PaymentCaptureFailed: published('payment.capture-failed.v1', {
      when: 'The provider refused to take what it had set aside; a void follows.',
      schema: z.strictObject({ ...paymentData('What could not be taken'), providerCode }),
      data: (event, entityId) => ({ ...paymentOf(event, entityId), providerCode: event.code }),
      sample: {
        ...{ entityId: samplePayment, version: 4, seq: 303, commandId: 'capture@3' },
        event: { type: 'PaymentCaptureFailed', code: 'insufficient_funds', ...SAMPLE_SUM },
      },
    }),
    PaymentRefunded: published('payment.refunded.v1', {
      when: 'What was taken was given back.',
      schema: z.strictObject(paymentData('What was given back')),
      data: paymentOf,
      sample: {
        ...{ entityId: samplePayment, version: 6, seq: 506, commandId: 'refund@5' },
        event: { type: 'PaymentRefunded', refundId: '', ...SAMPLE_SUM },
      },
    }),
    // Intents: what the provider is asked is published once it has answered.
    AuthorizationStarted: PRIVATE,
    CaptureStarted: PRIVATE,
    VoidStarted: PRIVATE,
    RefundStarted: PRIVATE,
    CallRenewed: PRIVATE,
    PaymentReversalRequested: PRIVATE,
    // Nothing was ever asked of the provider.
    PaymentAbandoned: PRIVATE,
  },
};

/** Rows from before the first release may lack the sum: the message then does as well. */
function paymentOf(
  { amount, currency }: Partial<PaymentSum>,
  entityId: string,
): { paymentId: string; orderId: string; amount?: Money } {
  const ids = { paymentId: entityId, orderId: routingKeyOf(entityId) };
  return amount === undefined || currency === undefined ? ids : { ...ids, amount: moneyOf(amount, currency) };
}
