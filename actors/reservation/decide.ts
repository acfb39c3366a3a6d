/** What a reservation decides once the stock items have answered: all of them hold, or the refusal is recorded. */
import type { EpochMs } from '../../kernel/clock.ts';
import { accepted, alreadyDone, gather, type Decision, type GatherAnswer, type Send } from '../../kernel/decider.ts';
import { stockEntity, type HoldRefusal, type StockCommand } from '../stock/stock.ts';
import type {
  ReservationCommand,
  ReservationEvent,
  ReservationRefusal,
  ReservationState,
  ReservedItem,
  Shortage,
} from './reservation.ts';

/** At most this many shortages are recorded: a 2,000-line order needs no 2,000 reasons. */
const SHORTAGES_RECORDED_MAX = 20;

export function decideReservation(
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
