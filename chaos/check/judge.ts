/** The verdict: all facts of a run, through every check. Pure. */
import type { History } from '../load/history.ts';
import type { TimelineEntry } from '../timeline.ts';
import { checkEvents } from './check-events.ts';
import { checkOrders } from './check-orders.ts';
import { checkProgress } from './check-progress.ts';
import { checkReach, type Isolation } from './check-reach.ts';
import { checkStock, type StockAnswer } from './check-stock.ts';
import { checkFinalReads, checkViews, type FinalRead, type OrderViewRow } from './check-views.ts';
import type { HeardEvents } from './heard-events.ts';
import type { JournalFacts } from './journal-scan.ts';
import type { Violation } from './violation.ts';

export interface Evidence {
  readonly history: Pick<History, 'orders' | 'puts' | 'violations' | 'acknowledgedAtMs'>;
  readonly timeline: readonly TimelineEntry[];
  /** How long load and faults lasted. */
  readonly durationMs: number;
  readonly journal: JournalFacts;
  readonly views: readonly OrderViewRow[];
  readonly finalReads: readonly FinalRead[];
  readonly stock: readonly StockAnswer[];
  /** Undefined in a run without a broker. */
  readonly heard: HeardEvents | undefined;
  readonly isolations: readonly Isolation[] | undefined;
  /** Failures in healing, stopping, or the audit. */
  readonly others: readonly Violation[];
}

export function judge(evidence: Evidence): Violation[] {
  const { history, journal, durationMs, timeline } = evidence;
  const { orders, puts, acknowledgedAtMs } = history;
  return [
    ...journal.violations,
    ...checkOrders(orders, journal),
    ...checkStock(puts, journal, evidence.stock),
    ...history.violations,
    ...checkFinalReads(evidence.finalReads, journal),
    ...checkViews(evidence.views, journal),
    ...checkProgress({ durationMs, wanted: orders.length, acknowledgedAtMs, timeline }),
    ...(evidence.heard === undefined ? [] : checkEvents(evidence.heard, journal)),
    ...checkReach(evidence.isolations ?? []),
    ...evidence.others,
  ];
}
