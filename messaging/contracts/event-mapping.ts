/**
 * Owns what becomes public of the journal's events. Stateless: a message is made of one event, the id of its entity and
 * the time of its row. Journal events are private and may change; what is written here member by member may not.
 *
 * Every type of event stands in the table. A new one does not compile until somebody decides whether it is public.
 */
import { routingKeyOf } from '../../kernel/entity-id.ts';
import type { Cancellation, OrderEvent } from '../../actors/order/order.ts';
import { totalOf } from '../../actors/order/evolve.ts';
import type { PaymentEvent, PaymentSum } from '../../actors/payment/payment.ts';
import type { ReleaseReason, ReservationEvent, Shortage } from '../../actors/reservation/reservation.ts';
import type { StockEvent } from '../../actors/stock/stock.ts';
import { money, type Money } from '../../kernel/money.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { PublicData, PublicEventType } from './public-events.ts';

export type JournalEvent = OrderEvent | PaymentEvent | ReservationEvent | StockEvent;

/** How an event is told. `at` is the time of its row. */
export interface Telling<Event> {
  readonly routingKey: PublicEventType;
  readonly data: (event: Event, entityId: string, at: EpochMs) => unknown;
}

/** Nobody outside hears of it. */
export const PRIVATE = 'private';
type Mapping<Event> = Telling<Event> | typeof PRIVATE | ((event: Event) => Telling<Event> | typeof PRIVATE);

export type EventMappings = { readonly [Event in JournalEvent as Event['type']]: Mapping<Event> };

/** Typed by both ends: the data must be what the public schema of `routingKey` says. */
function told<Event, Public extends PublicEventType>(
  routingKey: Public,
  data: (event: Event, entityId: string, at: EpochMs) => PublicData<Public>,
): Telling<Event> {
  return { routingKey, data };
}

type InventoryReleased = Extract<ReservationEvent, { readonly type: 'InventoryReleased' }>;

const released = told('inventory.released.v1', ({ reason }: InventoryReleased, reservationId) => ({
  reservationId,
  orderId: routingKeyOf(reservationId),
  // The others are told otherwise, or not at all: see the table.
  reason: reason as Exclude<ReleaseReason, 'expired' | 'unavailable'>,
}));
const expired = told('inventory.expired.v1', (_event: InventoryReleased, reservationId) => ({
  reservationId,
  orderId: routingKeyOf(reservationId),
}));

export const EVENT_MAPPINGS: EventMappings = {
  OrderCreated: told('order.created.v1', (event, entityId, at) => {
    const { customerId, currency, lines, confirmation, externalReference, placedAt } = event;
    return {
      orderId: routingKeyOf(entityId),
      customerId,
      currency,
      totalAmount: money(totalOf(lines), currency),
      orderLines: lines.map(({ productId, quantity, unitPrice }) => ({
        productId,
        quantity,
        unitPrice: money(unitPrice, currency),
      })),
      confirmation,
      ...(externalReference !== undefined && { externalReference }),
      ...(placedAt !== undefined && { placedAt }),
      createdAt: isoOf(at),
    };
  }),
  OrderPaymentPending: told('order.payment-pending.v1', orderOf),
  OrderConfirmed: told('order.confirmed.v1', orderOf),
  OrderCancellationRequested: told('order.cancellation-requested.v1', cancellationOf),
  OrderCancelled: told('order.cancelled.v1', cancellationOf),
  // The order's own record of what its reservation and payment tell themselves.
  OrderInventoryUnavailable: PRIVATE,
  OrderInventoryReleased: PRIVATE,
  OrderPaymentAuthorized: PRIVATE,
  OrderPaymentDeclined: PRIVATE,
  OrderPaymentCaptured: PRIVATE,
  OrderPaymentCaptureFailed: PRIVATE,
  OrderPaymentVoided: PRIVATE,
  OrderPaymentRefunded: PRIVATE,

  PaymentAuthorized: told('payment.authorized.v1', paymentOf),
  PaymentCaptured: told('payment.captured.v1', paymentOf),
  PaymentDeclined: told('payment.declined.v1', (event, entityId) => ({
    ...paymentOf(event, entityId),
    providerCode: event.code,
  })),
  PaymentCaptureFailed: told('payment.capture-failed.v1', (event, entityId) => ({
    ...paymentOf(event, entityId),
    providerCode: event.code,
  })),
  PaymentVoided: told('payment.voided.v1', paymentOf),
  PaymentRefunded: told('payment.refunded.v1', paymentOf),
  // Intents: what the provider is asked is told once it has answered.
  AuthorizationStarted: PRIVATE,
  CaptureStarted: PRIVATE,
  VoidStarted: PRIVATE,
  RefundStarted: PRIVATE,
  CallRenewed: PRIVATE,
  PaymentReversalRequested: PRIVATE,
  // Nothing was ever asked of the provider.
  PaymentAbandoned: PRIVATE,

  InventoryReserved: told('inventory.reserved.v1', ({ items }, reservationId) => ({
    reservationId,
    orderId: routingKeyOf(reservationId),
    items: items.map(([productId, quantity]) => ({ productId, quantity })),
  })),
  InventoryUnavailable: told('inventory.unavailable.v1', (event, reservationId) => ({
    reservationId,
    orderId: routingKeyOf(reservationId),
    shortages: shortagesOf(event.shortages),
  })),
  InventoryReleased: ({ reason }) => {
    if (reason === 'expired') return expired;
    // After inventory.unavailable: nothing was ever held in public.
    return reason === 'unavailable' ? PRIVATE : released;
  },

  LowStockReached: told('inventory.low-stock.v1', ({ available, threshold }, entityId) => ({
    productId: routingKeyOf(entityId),
    available,
    threshold,
  })),
  // Of every order line; reservations tell what matters of it.
  StockHeld: PRIVATE,
  StockReleased: PRIVATE,
  StockHoldBarred: PRIVATE,
  StockSet: PRIVATE,
};

function orderOf(_event: unknown, entityId: string): { orderId: string } {
  return { orderId: routingKeyOf(entityId) };
}

function cancellationOf({ code, reason, details }: Cancellation, entityId: string): PublicData<'order.cancelled.v1'> {
  const orderId = routingKeyOf(entityId);
  if (details === undefined) return { orderId, code, reason };
  const known =
    'shortages' in details ? { shortages: shortagesOf(details.shortages) } : { providerCode: details.providerCode };
  return { orderId, code, reason, details: known };
}

function shortagesOf(shortages: readonly Shortage[]): PublicData<'inventory.unavailable.v1'>['shortages'] {
  return shortages.map(({ productId, code, requested, available }) => ({
    productId,
    code,
    requested,
    ...(available !== undefined && { available }),
  }));
}

/** Rows from before the first release may lack the sum: the message then does as well. */
function paymentOf(
  { amount, currency }: Partial<PaymentSum>,
  paymentId: string,
): { paymentId: string; orderId: string; amount?: Money } {
  const orderId = routingKeyOf(paymentId);
  if (amount === undefined || currency === undefined) return { paymentId, orderId };
  return { paymentId, orderId, amount: money(amount, currency) };
}
