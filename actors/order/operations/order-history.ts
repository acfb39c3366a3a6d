/**
 * Owns the form in which an order's rows are shown as its history: public names and data, as in messages. What the order
 * recorded of its payment and its reservation is shown as the public events of those. Never shows what
 * the contract of the messages leaves out: addresses, the payment method and its token.
 */
import { orderEntity, releaseReasonOf, type OrderEvent, type PlacedOrder } from '../order.ts';
import { paymentEntity, type PaymentEvent } from '../../payment/payment.ts';
import { reservationEntity, type ReservationEvent } from '../../reservation/reservation.ts';
import { isoOf } from '../../../kernel/instant.ts';
import { PublicEventCatalogue } from '../../../messaging/contracts/public-event-catalogue.ts';
import { paymentPublicEvents } from '../../payment/public-events.ts';
import { reservationPublicEvents } from '../../reservation/public-events.ts';
import { stockPublicEvents } from '../../stock/public-events.ts';
import { orderPublicEvents } from '../public-events.ts';
import { orderEvents } from '../stored-events.ts';
import { decodeEvents } from '../../../persistence/event-codec.ts';
import type { CausedBy, JournalRow } from '../../../persistence/ports.ts';

/** A row's events stand together: room for many more than a decision makes. */
export const SEQS_PER_ROW = 100;
export const EVENT_CHANNELS = ['http', 'message', 'command-line', 'step', 'timer'] as const;

/** A history has no events of stock; the API document has promised to name their type as well. */
const SHOWN = new PublicEventCatalogue([
  { kind: 'order', publicEvents: orderPublicEvents },
  { kind: 'payment', publicEvents: paymentPublicEvents },
  { kind: 'reservation', publicEvents: reservationPublicEvents },
  { kind: 'stock', publicEvents: stockPublicEvents },
]);
export const SHOWN_EVENT_TYPES = SHOWN.types;

export interface HistoryEntry {
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly data: unknown;
  readonly by?: Omit<CausedBy, 'channel'> & { readonly channel: (typeof EVENT_CHANNELS)[number] };
}

/**
 * The entries of one row, in order. @param withBy shows who caused it.
 * @throws CorruptionError for a row that this build can't read.
 */
export function entriesOf(row: JournalRow, order: PlacedOrder, withBy: boolean): HistoryEntry[] {
  const by = withBy ? byOf(row) : undefined;
  const at = isoOf(row.at);
  return (decodeEvents(row.events, orderEvents) as OrderEvent[]).flatMap((event, ordinal) => {
    const [shown, entityId] = shownOf(event, order);
    const published = SHOWN.publishedAs(shown);
    if (published === undefined) return [];
    const { routingKey: type } = published;
    const data = published.data(shown, entityId, row.at);
    return [{ seq: row.version * SEQS_PER_ROW + ordinal, type, at, data, ...(by && { by }) }];
  });
}

/** The event that is public in its place, or a private one, and whose it is. */
function shownOf(
  event: OrderEvent,
  { orderId, terms, total, ...order }: PlacedOrder,
): readonly [OrderEvent | PaymentEvent | ReservationEvent, string] {
  const sum = { amount: total, currency: terms.currency };
  const cancellation = 'cancellation' in order ? order.cancellation : undefined;
  const ofPayment = (shown: PaymentEvent) => [shown, paymentEntity(orderId)] as const;
  const ofReservation = (shown: ReservationEvent) => [shown, reservationEntity(orderId)] as const;
  switch (event.type) {
    case 'OrderInventoryUnavailable': {
      const details = cancellation?.details;
      const shortages = details !== undefined && 'shortages' in details ? details.shortages : [];
      return ofReservation({ type: 'InventoryUnavailable', shortages });
    }
    case 'OrderInventoryReleased':
      return ofReservation({ type: 'InventoryReleased', reason: releaseReasonOf(cancellation?.code ?? 'requested') });
    case 'OrderPaymentAuthorized':
      return ofPayment({ type: 'PaymentAuthorized', authorizationId: '', ...sum });
    case 'OrderPaymentDeclined':
      return ofPayment({ type: 'PaymentDeclined', code: event.code, ...sum });
    case 'OrderPaymentCaptured':
      return ofPayment({ type: 'PaymentCaptured', captureId: '', ...sum });
    case 'OrderPaymentCaptureFailed':
      return ofPayment({ type: 'PaymentCaptureFailed', code: event.code, ...sum });
    case 'OrderPaymentVoided':
      // Nothing was ever asked of the provider, so there was nothing to void.
      if (event.authorized === 0) return ofPayment({ type: 'PaymentAbandoned' });
      return ofPayment({ type: 'PaymentVoided', voidId: '', ...sum });
    case 'OrderPaymentRefunded':
      return ofPayment({ type: 'PaymentRefunded', refundId: '', ...sum });
    default:
      return [event, orderEntity(orderId)];
  }
}

/** What an order does by itself has no caller; the form of its command id shows whether a step or a timer did it. */
function byOf({ meta, commandId }: JournalRow): HistoryEntry['by'] {
  if (meta?.by !== undefined) return meta.by;
  if (commandId.startsWith('deadline@')) return { channel: 'timer' };
  return /^[a-z]+@\d+$/.test(commandId) ? { channel: 'step' } : undefined;
}
