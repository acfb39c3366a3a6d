/** The wake-ups table against the journal (invariant 3): an entity stands there exactly as its last projected row asks. */
import type { AuditedWakeUp } from '../persistence/postgres/audited-rows.ts';
import type { EntityFold } from './entity-fold.ts';

export function judgeStoredWakeUp(fold: EntityFold, stored: AuditedWakeUp | undefined): void {
  const wanted = fold.projectedWakeAt;
  if (!stored) {
    if (wanted !== null) fold.report(3, fold.last, `a wake-up at ${timeOf(wanted)}`, 'none in wake_ups');
    return;
  }
  if (wanted === null) {
    fold.report(3, fold.last, 'none in wake_ups: nothing is outstanding', `a wake-up at ${timeOf(stored.wakeAt)}`);
  } else if (stored.wakeAt !== wanted) {
    fold.report(3, fold.last, `a wake-up at ${timeOf(wanted)}`, `one at ${timeOf(stored.wakeAt)}`);
  } else if (stored.shard !== fold.last?.shard) {
    fold.report(3, fold.last, `a wake-up of shard ${fold.last?.shard}`, `one of shard ${stored.shard}`);
  }
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
