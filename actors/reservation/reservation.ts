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
 * Every message may come late, twice, or never: holds are known by the reservation's id, and whoever asked asks again.
 */
import type { EpochMs } from '../../kernel/clock.ts';
import {
  accepted,
  alreadyDone,
  gather,
  impossible,
  type Decider,
  type Decision,
  type GatherAnswer,
  type Send,
} from '../../kernel/decider.ts';
import { stockEntity, type HoldRefusal, type StockCommand } from '../stock/stock.ts';

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

/** What the order is told. */
export type ReservationOutcome =
  { readonly status: 'Held' | 'Released' } | { readonly status: 'Refused'; readonly shortages: readonly Shortage[] };

/** A reservation refuses nothing: every command has an outcome that the order records. */
export type ReservationRefusal = never;

/** At most this many shortages are recorded: a 2,000-line order needs no 2,000 reasons. */
const SHORTAGES_RECORDED_MAX = 20;

function decide(
  state: ReservationState,
  command: ReservationCommand,
  _at: EpochMs,
  answers?: readonly GatherAnswer[],
): Decision<ReservationEvent, ReservationRefusal> {
  switch (command.type) {
    case 'Reserve': {
      if (state.status !== 'Absent') return alreadyDone;
      const { items, notAfter } = command;
      const holds = items.map(([productId, quantity]) => hold(state.reservationId, productId, quantity, notAfter));
      if (!answers) return gather(holds);
      const shortages = shortagesOf(items, answers);
      if (shortages.length === 0) return accepted<ReservationEvent>({ type: 'InventoryReserved', items, notAfter });
      return accepted<ReservationEvent>({ type: 'InventoryUnavailable', shortages });
    }
    case 'ReleaseReservation': {
      if (state.status === 'Released') return alreadyDone;
      if (!answers) return gather(releases(state.reservationId, command.items, command.notAfter));
      return accepted<ReservationEvent>({ type: 'InventoryReleased', reason: command.reason });
    }
  }
}

function hold(reservationId: string, productId: string, quantity: number, notAfter: EpochMs): Send<StockCommand> {
  return {
    kind: 'send',
    key: 'hold',
    to: stockEntity(productId),
    commandId: `${reservationId}/hold`,
    command: { type: 'HoldStock', holdId: reservationId, quantity, notAfter },
    until: 'durable',
  };
}

function releases(reservationId: string, items: readonly ReservedItem[], notAfter: EpochMs): Send<StockCommand>[] {
  return items.map(([productId]) => ({
    kind: 'send',
    key: 'release',
    to: stockEntity(productId),
    commandId: `${reservationId}/release`,
    command: { type: 'ReleaseHold', holdId: reservationId, notAfter },
    until: 'durable',
  }));
}

function shortagesOf(items: readonly ReservedItem[], answers: readonly GatherAnswer[]): Shortage[] {
  const shortages: Shortage[] = [];
  items.forEach(([productId, requested], index) => {
    const answer = answers[index];
    if (answer?.kind !== 'rejected' || shortages.length >= SHORTAGES_RECORDED_MAX) return;
    const refusal = answer.refusal as HoldRefusal;
    const available = refusal.code === 'insufficient_inventory' ? { available: refusal.available } : {};
    shortages.push({ productId, code: refusal.code, requested, ...available });
  });
  return shortages;
}

function evolve(state: ReservationState, event: ReservationEvent): ReservationState {
  const { reservationId } = state;
  switch (event.type) {
    case 'InventoryReserved':
      if (state.status !== 'Absent') return impossible('reservation', state.status, event);
      return { status: 'Held', reservationId, items: event.items, notAfter: event.notAfter };
    case 'InventoryUnavailable':
      if (state.status !== 'Absent') return impossible('reservation', state.status, event);
      return { status: 'Refused', reservationId, shortages: event.shortages };
    case 'InventoryReleased':
      if (state.status === 'Released') return impossible('reservation', state.status, event);
      return { status: 'Released', reservationId, reason: event.reason };
    default:
      return impossible('reservation', state.status, event);
  }
}

function outcomeOf(state: ReservationState): ReservationOutcome | { readonly status: 'Absent' } {
  if (state.status === 'Refused') return { status: 'Refused', shortages: state.shortages };
  return { status: state.status };
}

export const reservationDecider: Decider<ReservationState, ReservationCommand, ReservationEvent, ReservationRefusal> = {
  kind: 'reservation',
  initial: (entityId) => ({ status: 'Absent', reservationId: entityId }),
  decide,
  evolve,
  outstanding: () => [],
  conclude: (effect) => impossible('reservation', 'any state', { type: `an answer to ${effect.key}` }),
  deadline: () => undefined,
  onDeadline: () => undefined,
  isAtRest: () => true,
  answer: outcomeOf,
  exists: (state) => state.status !== 'Absent',
};
