/**
 * The second look at products whose open holds are not those of the reservations: reads all reservations once more and
 * names each hold that is missing, surplus or of another quantity. Keeps the holds of the suspect products only.
 */
import type { ReservationState } from '../../actors/reservation/reservation.ts';
import type { AuditReader } from '../../persistence/postgres/audit-reader.ts';
import { FOLDERS } from './deciders.ts';
import { EntityFold, type FoldContext } from './entity-fold.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { Findings } from './findings.ts';
import type { HoldLedger } from './hold-ledger.ts';
import { SortedStream } from './sorted-stream.ts';
import type { SuspectHolds } from './stock-pass.ts';

export async function nameHolds(
  reader: AuditReader,
  suspects: readonly SuspectHolds[],
  ledger: HoldLedger,
  findings: Findings,
): Promise<void> {
  const left = new Map(suspects.map(({ productId, holds }) => [productId, new Map(holds)]));
  // The first look has reported what is wrong with the reservations themselves.
  const silent: FoldContext = {
    findings: new Findings(),
    suspects: [],
    checkpoints: new Map(),
    commandIds: new FingerprintSet(),
  };
  const rows = new SortedStream(reader.rows('res_'), ({ entityId }) => entityId);
  for (;;) {
    const reservationId = await rows.key();
    if (reservationId === undefined) break;
    const fold = new EntityFold(FOLDERS.reservation, reservationId, silent);
    await rows.each(reservationId, (row) => fold.apply(row));
    if (ledger.isExcused(reservationId)) continue;
    nameHoldsOf(reservationId, fold.state, left, findings);
  }
  for (const [productId, holds] of left) {
    for (const [reservationId, { quantity }] of holds) {
      if (ledger.isExcused(reservationId)) continue;
      const found = `an open hold of ${quantity} units for ${reservationId}`;
      findings.report(4, { entityId: `stk_${productId}`, expected: 'holds of Held reservations only', found });
    }
  }
}

/** Takes the reservation's own holds out of `left`; what stays belongs to nobody. */
function nameHoldsOf(
  reservationId: string,
  state: ReservationState,
  left: ReadonlyMap<string, Map<string, { readonly quantity: number }>>,
  findings: Findings,
): void {
  if (state.status === 'Held') {
    for (const [productId, quantity] of state.items) {
      const holds = left.get(productId);
      if (!holds) continue;
      const hold = holds.get(reservationId);
      holds.delete(reservationId);
      if (hold?.quantity === quantity) continue;
      const found = hold ? `one of ${hold.quantity} units` : 'none';
      findings.report(4, {
        entityId: `stk_${productId}`,
        expected: `an open hold of ${quantity} units for ${reservationId}`,
        found,
      });
    }
    return;
  }
  if (state.status === 'Absent') return;
  for (const [productId, holds] of left) {
    const hold = holds.get(reservationId);
    if (!hold) continue;
    const found = `${hold.quantity} units of ${productId} are still held`;
    findings.report(6, { entityId: reservationId, expected: `nothing held, as it is ${state.status}`, found });
  }
}
