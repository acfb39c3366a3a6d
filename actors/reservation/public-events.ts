/** Owns the public events of reservations. */
import { z } from 'zod';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import {
  PRIVATE,
  published,
  publishedBy,
  type PublicEvent,
  type PublicEvents,
} from '../../messaging/contracts/public-event-definition.ts';
import {
  orderId,
  productId,
  publicShortages,
  quantity,
  reservationId,
  SAMPLE_ORDER_ID,
  SAMPLE_SHORTAGES,
  shortages,
} from '../public-fields.ts';
import { reservationEntity, type ReleaseReason, type ReservationEvent } from './reservation.ts';

const ids = { reservationId, orderId };
const RELEASED_FOR = ['requested', 'payment_declined', 'payment_capture_failed'] as const satisfies ReleaseReason[];

type InventoryReleased = Extract<ReservationEvent, { readonly type: 'InventoryReleased' }>;
const sampleReservation = reservationEntity(SAMPLE_ORDER_ID);

const released: PublicEvent<InventoryReleased> = published('inventory.released.v1', {
  when: 'Nothing is held for this order any more, and nothing will be. A cancellation may overtake its reservation: then no inventory.reserved came before.',
  schema: z.strictObject({
    ...ids,
    reason: z.enum(RELEASED_FOR).meta({ description: 'Why the order was cancelled' }),
  }),
  data: ({ reason }, entityId) => ({
    ...idsOf(entityId),
    // The other reasons do not come here: see the mapping.
    reason: reason as (typeof RELEASED_FOR)[number],
  }),
  sample: {
    ...{ entityId: sampleReservation, version: 2, seq: 305, commandId: 'order/release' },
    event: { type: 'InventoryReleased', reason: 'payment_capture_failed' },
  },
});

const expired: PublicEvent<InventoryReleased> = published('inventory.expired.v1', {
  when: 'Nothing is held for this order any more: it was not confirmed in time, or its stock could not be reserved in time.',
  schema: z.strictObject(ids),
  data: (_event, entityId) => idsOf(entityId),
  sample: {
    ...{ entityId: sampleReservation, version: 2, seq: 605, commandId: 'order/release' },
    event: { type: 'InventoryReleased', reason: 'expired' },
  },
});

export const reservationPublicEvents: PublicEvents<ReservationEvent> = {
  correlationId: 'routing key',
  events: {
    InventoryReserved: published('inventory.reserved.v1', {
      when: 'All that the order needs is held for it.',
      schema: z.strictObject({
        ...ids,
        items: z
          .array(z.strictObject({ productId, quantity }))
          .min(1)
          .meta({ description: 'What is held, each product once' }),
      }),
      data: ({ items }, entityId) => ({
        ...idsOf(entityId),
        items: items.map(([product, units]) => ({ productId: product, quantity: units })),
      }),
      sample: {
        ...{ entityId: sampleReservation, version: 1, seq: 102, commandId: 'order/reserve' },
        event: {
          type: 'InventoryReserved',
          items: [
            ['SKU-1001', 2],
            ['SKU-2002', 1],
          ],
          notAfter: 0,
        },
      },
    }),
    InventoryUnavailable: published('inventory.unavailable.v1', {
      when: 'Not all that the order needs could be held, so nothing is.',
      schema: z.strictObject({ ...ids, shortages }),
      data: (event, entityId) => ({ ...idsOf(entityId), shortages: publicShortages(event.shortages) }),
      sample: {
        ...{ entityId: sampleReservation, version: 1, seq: 202, commandId: 'order/reserve' },
        event: { type: 'InventoryUnavailable', shortages: SAMPLE_SHORTAGES },
      },
    }),
    InventoryReleased: publishedBy<InventoryReleased, 'reason'>('reason', {
      requested: released,
      payment_declined: released,
      payment_capture_failed: released,
      expired,
      // After inventory.unavailable: nothing was ever held in public.
      unavailable: PRIVATE,
    }),
  },
};

function idsOf(entityId: string): { reservationId: string; orderId: string } {
  return { reservationId: entityId, orderId: routingKeyOf(entityId) };
}
