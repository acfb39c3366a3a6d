/** Owns the public events of stock items. */
import { z } from 'zod';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { PRIVATE, published, type PublicEvents } from '../../messaging/contracts/public-event-definition.ts';
import { productId, SAMPLE_ORDER_ID } from '../public-fields.ts';
import { reservationEntity } from '../reservation/reservation.ts';
import { stockEntity, type StockEvent } from './stock.ts';

export const stockPublicEvents: PublicEvents<StockEvent> = {
  // A product belongs to no order.
  correlationId: 'none',
  events: {
    LowStockReached: published('inventory.low-stock.v1', {
      when: 'What is available of a product fell to its threshold. Comes again only after it has risen above it.',
      schema: z.strictObject({
        productId,
        available: z.int().min(0).meta({ description: 'Units over all warehouses that no order holds' }),
        threshold: z.int().min(0).meta({ description: 'The level that was set for this product' }),
      }),
      data: ({ available, threshold }, entityId) => ({ productId: routingKeyOf(entityId), available, threshold }),
      sample: {
        entityId: stockEntity('SKU-1001'),
        version: 42,
        seq: 101,
        commandId: `${reservationEntity(SAMPLE_ORDER_ID)}/hold`,
        ordinal: 1,
        event: { type: 'LowStockReached', available: 3, threshold: 5 },
      },
    }),
    // Of every order line; reservations publish what matters of it.
    StockHeld: PRIVATE,
    StockReleased: PRIVATE,
    StockHoldBarred: PRIVATE,
    StockSet: PRIVATE,
  },
};
