/**
 * Says which invariant an event would break in a state, before it is folded. The fold itself refuses most of these, but
 * only says "impossible"; an auditor wants to know which promise was broken. Written from the invariants, not from the
 * deciders, so that a mistake in a decider shows here.
 */
import type { DomainEvent } from '../../kernel/decider.ts';
import type { PaymentEvent, PaymentState } from '../../actors/payment/payment.ts';
import type { ReservationEvent, ReservationState } from '../../actors/reservation/reservation.ts';
import { DEFAULT_WAREHOUSE, type StockEvent, type StockState } from '../../actors/stock/stock.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { AuditedInvariant } from './findings.ts';

export interface BrokenRule {
  readonly invariant: AuditedInvariant;
  readonly expected: string;
  readonly found: string;
}

/** `at` is the time of the event's row. */
export function brokenRule(kind: string, state: unknown, event: DomainEvent, at: EpochMs): BrokenRule | undefined {
  switch (kind) {
    case 'stock':
      return brokenByStock(state as StockState, event as StockEvent, at);
    case 'payment':
      return brokenByPayment(state as PaymentState, event as PaymentEvent);
    case 'reservation':
      return brokenByReservation(state as ReservationState, event as ReservationEvent);
    default:
      return undefined; // an order records what the others did; it is compared with them as a whole
  }
}

function broken(invariant: AuditedInvariant, expected: string, found: string): BrokenRule {
  return { invariant, expected, found };
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function brokenByStock(state: StockState, event: StockEvent, at: EpochMs): BrokenRule | undefined {
  switch (event.type) {
    case 'StockSet': {
      const held = state.warehouses.get(event.warehouseId)?.held ?? 0;
      if (isCount(event.onHand) && event.onHand >= held) return undefined;
      return broken(
        4,
        `onHand of ${event.warehouseId} not below the ${held} held`,
        `StockSet to ${String(event.onHand)}`,
      );
    }
    case 'StockHeld':
      return brokenByHold(state, event, at);
    case 'StockReleased':
      if (state.holds.has(event.holdId)) return undefined;
      return broken(8, 'a release of an open hold', `StockReleased of ${event.holdId}, which is not open`);
    case 'StockHoldBarred':
      if (!state.holds.has(event.holdId)) return undefined;
      return broken(8, 'an open hold to be released', `StockHoldBarred of ${event.holdId}, which is open`);
    default:
      return undefined;
  }
}

function brokenByHold(
  state: StockState,
  event: StockEvent & { type: 'StockHeld' },
  at: EpochMs,
): BrokenRule | undefined {
  const { holdId, quantity, notAfter, from } = event;
  const found = `StockHeld of ${String(quantity)} for ${holdId}`;
  if (state.holds.has(holdId)) return broken(8, 'at most one hold of a reservation', `${found}, which is open already`);
  if (state.closed.has(holdId)) return broken(8, 'a released hold to stay refused', `${found} after its release`);
  if (at > notAfter)
    return broken(8, `no hold after ${new Date(notAfter).toISOString()}`, `${found} at ${new Date(at).toISOString()}`);
  if (!isCount(quantity) || quantity === 0) return broken(4, 'a whole number of units', found);
  const parts = from ?? [[DEFAULT_WAREHOUSE, quantity] as const];
  if (parts.reduce((sum, [, units]) => sum + units, 0) !== quantity) return broken(4, 'parts that add up', found);
  for (const [warehouseId, units] of parts) {
    const warehouse = state.warehouses.get(warehouseId);
    const available = warehouse ? warehouse.onHand - warehouse.held : 0;
    if (!isCount(units) || units > available)
      return broken(4, `at most the ${available} available in ${warehouseId}`, found);
  }
  return undefined;
}

function brokenByPayment(state: PaymentState, event: PaymentEvent): BrokenRule | undefined {
  switch (event.type) {
    case 'AuthorizationStarted':
      return isCount(event.amount)
        ? undefined
        : broken(5, 'an amount in whole minor units', `AuthorizationStarted of ${String(event.amount)}`);
    case 'CaptureStarted':
    case 'PaymentCaptured': {
      const voided = state.status === 'Voided' || state.status === 'Voiding';
      if (voided) return broken(5, 'nothing captured of a voided payment', event.type);
      if (event.type === 'CaptureStarted') return undefined;
      const authorized = amountOf(state);
      return isCount(event.amount) && event.amount <= authorized
        ? undefined
        : broken(5, `at most the ${authorized} authorized`, `PaymentCaptured of ${String(event.amount)}`);
    }
    case 'VoidStarted':
    case 'PaymentVoided': {
      const captured = state.status === 'Captured' || state.status === 'Refunding' || state.status === 'Refunded';
      return captured ? broken(5, 'a captured payment to be refunded, not voided', event.type) : undefined;
    }
    case 'RefundStarted':
    case 'PaymentRefunded': {
      const captured = state.status === 'Captured' || state.status === 'Refunding' ? amountOf(state) : 0;
      return isCount(event.amount) && event.amount <= captured
        ? undefined
        : broken(
            5,
            `at most the ${captured} captured and not yet refunded`,
            `${event.type} of ${String(event.amount)}`,
          );
    }
    default:
      return undefined;
  }
}

function amountOf(state: PaymentState): number {
  if (state.status === 'Absent') return 0;
  return state.status === 'Voided' ? state.authorized : state.amount;
}

function brokenByReservation(state: ReservationState, event: ReservationEvent): BrokenRule | undefined {
  if (state.status === 'Released') return broken(7, 'nothing after its release', event.type);
  if (event.type === 'InventoryReleased' || state.status === 'Absent') return undefined;
  return broken(7, `one outcome, which was ${state.status}`, event.type);
}
