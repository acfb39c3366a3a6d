/**
 * Waits until the order view shows every order as settled, and until the read models have caught up with the journal.
 * Gives up when nothing moves for a while, and reports how many are left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { ReconcileReader } from '../../persistence/postgres/reconcile-reader.ts';

const IDS_PER_BATCH = 5_000;
const POLL_INTERVAL_MS = 100;
/** A provider's slow answers, or the recovery of a killed node, may cause a pause of this length. */
const STILL_MS_MAX = 60_000;

export interface Unsettled {
  readonly orderIds: readonly string[];
  /** Rows that the read models still lack. */
  readonly rowsMissingInViews: number;
}

export async function awaitSettled(
  reader: ReconcileReader,
  orderIds: readonly string[],
  clock: Clock,
  progress: (settled: number) => void,
): Promise<Unsettled> {
  let pending = [...orderIds];
  await untilNone(clock, async () => {
    const still: string[] = [];
    for (let start = 0; start < pending.length; start += IDS_PER_BATCH) {
      still.push(...(await reader.unsettled(pending.slice(start, start + IDS_PER_BATCH))));
    }
    pending = still;
    progress(orderIds.length - pending.length);
    return pending.length;
  });
  const ends = await reader.logEnds();
  const rowsMissingInViews = await untilNone(clock, () => reader.rowsMissingInViews(ends));
  return { orderIds: pending, rowsMissingInViews };
}

/** Asks until nothing is left, or the rest has not changed for too long. @returns what is left. */
async function untilNone(clock: Clock, left: () => Promise<number>): Promise<number> {
  let fewest = Infinity;
  let movedAt = clock.monotonicMs();
  for (;;) {
    const now = await left();
    if (now === 0) return 0;
    if (now < fewest) {
      fewest = now;
      movedAt = clock.monotonicMs();
    }
    if (clock.monotonicMs() - movedAt > STILL_MS_MAX) return now;
    await sleep(POLL_INTERVAL_MS);
  }
}
