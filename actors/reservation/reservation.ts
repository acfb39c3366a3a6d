/**
 * Reservation: the holds of one order, all or nothing. It gathers a hold from every stock item first and records the
 * outcome in one row. If one item refuses, the refusal is recorded before anything is released: a release that nothing
 * durable justifies could arrive after a crash, when a second try has held everything. The order then asks for the
 * release, and *every* item asked is released, answered or not. So a recorded Released has nothing open behind it.
 *
 * Keeps invariant 7: it ends at most once.
 *
 *   absent --InventoryReserved--> Held --InventoryReleased--> Released
 *   absent --InventoryUnavailable--> Refused --InventoryReleased--> Released
 *   absent --InventoryReleased--> Released       (a release that overtook its reserve: the late reserve finds it)
 *
 * Every message may come late, twice, or never: holds are known by the reservation's id, and the asker repeats its command.
 */
import type { EpochMs } from '../../kernel/clock.ts';
import type { HoldRefusal } from '../stock/stock.ts';

export const RESERVATION_PREFIX = 'res_';
/** A reservation carries the id of its order: both live in one shard. */
export const reservationEntity = (orderId: string): string => RESERVATION_PREFIX + orderId;

/** [product, units]; each product once. */
export type ReservedItem = readonly [productId: string, quantity: number];

/** `unavailable`: it was refused, and what it did hold goes back. */
export type ReleaseReason = 'requested' | 'expired' | 'payment_declined' | 'payment_capture_failed' | 'unavailable';

export interface Shortage {
  readonly productId: string;
  /** Why this product could not be held. */
  readonly code: HoldRefusal['code'];
  readonly requested: number;
  /** Known only for a shortage. */
  readonly available?: number;
}

export type ReservationCommand =
  | { readonly type: 'Reserve'; readonly items: readonly ReservedItem[]; readonly notAfter: EpochMs }
  | {
      readonly type: 'ReleaseReservation';
      readonly items: readonly ReservedItem[];
      readonly notAfter: EpochMs;
      readonly reason: ReleaseReason;
    };

export type ReservationEvent =
  | { readonly type: 'InventoryReserved'; readonly items: readonly ReservedItem[]; readonly notAfter: EpochMs }
  | { readonly type: 'InventoryUnavailable'; readonly shortages: readonly Shortage[] }
  | { readonly type: 'InventoryReleased'; readonly reason: ReleaseReason };

export type ReservationState =
  | { readonly status: 'Absent'; readonly reservationId: string }
  | {
      readonly status: 'Held';
      readonly reservationId: string;
      readonly items: readonly ReservedItem[];
      readonly notAfter: EpochMs;
    }
  | { readonly status: 'Refused'; readonly reservationId: string; readonly shortages: readonly Shortage[] }
  | { readonly status: 'Released'; readonly reservationId: string; readonly reason: ReleaseReason };

/** What a reservation answers its order. */
export type ReservationOutcome =
  { readonly status: 'Held' | 'Released' } | { readonly status: 'Refused'; readonly shortages: readonly Shortage[] };

/** A reservation refuses nothing: every command has an outcome that the order records. */
export type ReservationRefusal = never;
