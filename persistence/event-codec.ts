/**
 * Events as they are stored: a JSON array of objects with `type` and, from the second form of a type on, `v`. Names and
 * forms in the journal are for ever; a new form gets a higher `v` and an upcaster from the one before. What this build
 * doesn't know it refuses to read: guessing would fork history. An empty array is a row that only binds its command id:
 * the command found its work done already.
 */
import type { DomainEvent, EntityKind } from '../kernel/decider.ts';
import type { OrderEvent } from '../actors/order/order.ts';
import type { PaymentEvent } from '../actors/payment/payment.ts';
import type { ReservationEvent } from '../actors/reservation/reservation.ts';
import type { StockEvent } from '../actors/stock/stock.ts';
import { CorruptionError, messageOf } from '../kernel/errors.ts';

type Stored = Record<string, unknown>;
/** Turns form n of an event into form n + 1. */
export type Upcaster = (stored: Stored) => Stored;
/** One upcaster for each step from form 1 to the current form; empty: form 1 is current. */
export type EventForms = Readonly<Record<string, readonly Upcaster[]>>;

type FormsOf<Event extends DomainEvent> = { readonly [Type in Event['type']]: readonly Upcaster[] };

const orderForms: FormsOf<OrderEvent> = {
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
const paymentForms: FormsOf<PaymentEvent> = {
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
const reservationForms: FormsOf<ReservationEvent> = {
  InventoryReserved: [],
  InventoryUnavailable: [],
  InventoryReleased: [],
};
const stockForms: FormsOf<StockEvent> = {
  StockSet: [],
  StockHeld: [],
  StockReleased: [],
  StockHoldBarred: [],
  LowStockReached: [],
};

export const EVENT_FORMS: Readonly<Record<EntityKind, EventForms>> = {
  order: orderForms,
  payment: paymentForms,
  reservation: reservationForms,
  stock: stockForms,
};

/** The JSON text of one row's events, in their current forms. */
export function encodeEvents(events: readonly DomainEvent[], forms: EventForms): string {
  for (const event of events) {
    const upcasters = forms[event.type];
    if (upcasters && upcasters.length > 0) return JSON.stringify(events.map((each) => withForm(each, forms)));
  }
  return JSON.stringify(events);
}

function withForm(event: DomainEvent, forms: EventForms): unknown {
  const form = (forms[event.type]?.length ?? 0) + 1;
  return form === 1 ? event : { ...event, v: form };
}

/** @throws CorruptionError for text that is no event array, or holds a type or form that this build doesn't know. */
export function decodeEvents(text: string, forms: EventForms): DomainEvent[] {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch (error) {
    throw new CorruptionError(`events are no JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(stored)) throw new CorruptionError('events are no array');
  return stored.map((each: unknown) => upcast(each, forms));
}

function upcast(stored: unknown, forms: EventForms): DomainEvent {
  if (typeof stored !== 'object' || stored === null) throw new CorruptionError('an event is no object');
  let event = stored as Stored;
  const type = event['type'];
  const upcasters = typeof type === 'string' && Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (!upcasters) throw new CorruptionError(`unknown event type ${JSON.stringify(type)}`);
  const form = event['v'] ?? 1;
  if (typeof form !== 'number' || !Number.isInteger(form) || form < 1 || form > upcasters.length + 1) {
    throw new CorruptionError(`${String(type)}: unknown form ${JSON.stringify(form)}`);
  }
  for (const step of upcasters.slice(form - 1)) event = step(event);
  return event as unknown as DomainEvent;
}
