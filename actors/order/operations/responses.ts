/** Owns the form in which orders are answered, for the OpenAPI document and for tests. Answers are not parsed. */
import { z } from 'zod';
import { ORDER_STATUSES } from '../order.ts';
import { EVENT_CHANNELS, SHOWN_EVENT_TYPES } from './order-history.ts';
import { address, orderLine } from './requests.ts';

const status = z.enum(ORDER_STATUSES).meta({ id: 'OrderStatus' });
const instant = z.iso.datetime();
/** Sums of an order may be larger than one line's. */
const sum = z.strictObject({ amount: z.int().min(0), currency: z.string() }).meta({ id: 'MoneySum' });

export const orderResponse = z
  .strictObject({
    orderId: z.uuid(),
    orderNumber: z.string().describe('Short and speakable'),
    customerId: z.string(),
    status,
    version: z.int().min(1),
    totalAmount: sum,
    orderLines: z.array(orderLine),
    shippingAddress: address,
    payment: z.strictObject({
      paymentId: z.string(),
      status: z.enum(['Pending', 'Authorized', 'Captured', 'Declined', 'Voided', 'Refunded']),
      authorized: sum,
      captured: sum,
      refunded: sum,
    }),
    reservation: z.strictObject({
      reservationId: z.string(),
      status: z.enum(['Pending', 'Held', 'Refused', 'Released']),
      expiresAt: instant.nullable(),
    }),
    shipments: z.array(z.unknown()),
    returns: z.array(z.unknown()),
    cancellation: z
      .strictObject({
        reason: z.string(),
        code: z.enum([
          'insufficient_inventory',
          'payment_declined',
          'payment_capture_failed',
          'reservation_expired',
          'requested',
        ]),
        details: z.record(z.string(), z.unknown()).optional(),
      })
      .optional(),
    createdAt: instant,
    updatedAt: instant,
    allowedTransitions: z.array(status),
    externalReference: z.string().optional(),
    placedAt: z.string().optional(),
  })
  .meta({ id: 'Order' });

export const orderPageResponse = z
  .strictObject({ data: z.array(orderResponse), hasMore: z.boolean(), nextCursor: z.string().nullable() })
  .meta({ id: 'OrderPage' });

export const orderEventsResponse = z
  .strictObject({
    data: z.array(
      z.strictObject({
        seq: z.int().min(1).describe('Rises along the history, with gaps'),
        type: z.enum(SHOWN_EVENT_TYPES),
        at: instant,
        data: z.record(z.string(), z.unknown()).describe('As in the message of this type, see /asyncapi.json'),
        by: z
          .strictObject({
            channel: z.enum(EVENT_CHANNELS),
            who: z.string().optional(),
            role: z.string().optional(),
            issuer: z.string().optional(),
            requestId: z.string().optional(),
            onBehalfOf: z.string().optional(),
          })
          .optional()
          .describe('For staff: who caused it. Absent for what was recorded before that was kept'),
      }),
    ),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'OrderEvents' });
