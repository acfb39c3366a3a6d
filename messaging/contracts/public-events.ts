/**
 * Owns the list of the public events: routing key, when it comes, and the schema of its data. Routing keys, documents,
 * samples and the mapping from the journal are all tied to it by type, so none can miss an event.
 *
 * What is published is for ever: see compatibility.ts for what may change within a v1. The events of shipments
 * (order.shipped, order.delivered, order.completed) come with the journal events that they are made of.
 */
import type { z } from 'zod';
import {
  inventoryExpired,
  inventoryLowStock,
  inventoryReleased,
  inventoryReserved,
  inventoryUnavailable,
} from '../../actors/reservation/public-events.ts';
import {
  orderCancellationRequested,
  orderCancelled,
  orderConfirmed,
  orderCreated,
  orderPaymentPending,
} from '../../actors/order/public-events.ts';
import {
  paymentAuthorized,
  paymentCaptured,
  paymentCaptureFailed,
  paymentDeclined,
  paymentRefunded,
  paymentVoided,
} from '../../actors/payment/public-events.ts';

export interface PublicEvent {
  /** One or two sentences for integrators. */
  readonly when: string;
  /** Strict: what the code makes has no member that the schema lacks. Consumers get it open, see json-schemas.ts. */
  readonly data: z.ZodObject;
}

export const PUBLIC_EVENTS = {
  'order.created.v1': { when: 'An order was accepted.', data: orderCreated },
  'order.payment-pending.v1': {
    when: "All of the order's stock is reserved; its payment is being authorized.",
    data: orderPaymentPending,
  },
  'order.confirmed.v1': {
    when: 'The payment is authorized and the order is confirmed, by itself or by a person; its payment is being captured.',
    data: orderConfirmed,
  },
  'order.cancellation-requested.v1': {
    when: 'The order will be cancelled, whatever happens: its stock and its payment are being given back.',
    data: orderCancellationRequested,
  },
  'order.cancelled.v1': { when: 'The order is cancelled and nothing of it is left to undo.', data: orderCancelled },
  'payment.authorized.v1': { when: 'The provider set the amount aside.', data: paymentAuthorized },
  'payment.captured.v1': { when: 'The provider took the amount.', data: paymentCaptured },
  'payment.declined.v1': { when: 'The provider refused to set the amount aside.', data: paymentDeclined },
  'payment.voided.v1': { when: 'What was set aside is free again; nothing was taken.', data: paymentVoided },
  'payment.capture-failed.v1': {
    when: 'The provider refused to take what it had set aside; a void follows.',
    data: paymentCaptureFailed,
  },
  'payment.refunded.v1': { when: 'What was taken was given back.', data: paymentRefunded },
  'inventory.reserved.v1': { when: 'All that the order needs is held for it.', data: inventoryReserved },
  'inventory.unavailable.v1': {
    when: 'Not all that the order needs could be held, so nothing is.',
    data: inventoryUnavailable,
  },
  'inventory.released.v1': {
    when: 'Nothing is held for this order any more, and nothing will be. A cancellation may overtake its reservation: then no inventory.reserved came before.',
    data: inventoryReleased,
  },
  'inventory.expired.v1': {
    when: 'Nothing is held for this order any more: it was not confirmed in time, or its stock could not be reserved in time.',
    data: inventoryExpired,
  },
  'inventory.low-stock.v1': {
    when: 'What is available of a product fell to its threshold. Comes again only after it has risen above it.',
    data: inventoryLowStock,
  },
} as const satisfies Readonly<Record<string, PublicEvent>>;

export type PublicEventType = keyof typeof PUBLIC_EVENTS;
export type PublicData<Type extends PublicEventType> = z.output<(typeof PUBLIC_EVENTS)[Type]['data']>;

export const PUBLIC_EVENT_TYPES = Object.keys(PUBLIC_EVENTS) as readonly PublicEventType[];

/** Where the edge serves the schema of an event's data; a message names it in `cloudEvents_dataschema`. */
export function schemaPathOf(type: string): string {
  return `/contracts/${type}.schema.json`;
}
