/** The events of an order as the journal stores them. */
import type { EventForms } from '../../persistence/event-codec.ts';
import type { OrderEvent } from './order.ts';

export const orderEvents: EventForms<OrderEvent> = {
  OrderCreated: [],
  OrderPaymentPending: [],
  OrderInventoryUnavailable: [],
  OrderPaymentAuthorized: [],
  OrderPaymentDeclined: [],
  OrderConfirmed: [],
  OrderPaymentCaptured: [],
  OrderPaymentCaptureFailed: [],
  OrderCancellationRequested: [],
  OrderInventoryReleased: [],
  OrderPaymentVoided: [],
  OrderPaymentRefunded: [],
  OrderCancelled: [],
};
