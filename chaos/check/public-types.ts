/**
 * The kit's own list of the journal events that become public. The runtime has such a table, too; this one is written
 * anew from the schemas in contracts/, so that a mistake there shows.
 */
import type { ScannedEvent } from './journal-scan.ts';

export const PUBLIC_TYPES: Readonly<Record<string, string>> = {
  OrderCreated: 'order.created.v1',
  OrderPaymentPending: 'order.payment-pending.v1',
  OrderConfirmed: 'order.confirmed.v1',
  OrderCancellationRequested: 'order.cancellation-requested.v1',
  OrderCancelled: 'order.cancelled.v1',
  PaymentAuthorized: 'payment.authorized.v1',
  PaymentDeclined: 'payment.declined.v1',
  PaymentCaptured: 'payment.captured.v1',
  PaymentCaptureFailed: 'payment.capture-failed.v1',
  PaymentVoided: 'payment.voided.v1',
  PaymentRefunded: 'payment.refunded.v1',
  InventoryReserved: 'inventory.reserved.v1',
  InventoryUnavailable: 'inventory.unavailable.v1',
  InventoryReleased: 'inventory.released.v1',
  LowStockReached: 'inventory.low-stock.v1',
};

/** The public event of a release, by its reason; '' for none, where it follows inventory.unavailable. */
export const RELEASES: Readonly<Record<string, string>> = { expired: 'inventory.expired.v1', unavailable: '' };

/** Undefined: it is private. */
export function publicTypeOf(event: ScannedEvent): string | undefined {
  const release = event.type === 'InventoryReleased' ? RELEASES[event['reason'] as string] : undefined;
  return (release ?? PUBLIC_TYPES[event.type]) || undefined;
}
