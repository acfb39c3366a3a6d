/**
 * The audit itself: three passes over one consistent picture of the database (by shard, by order, by product), then a
 * second look at what needs one. Answers with a report; prints nothing. Memory is bounded by one order, one product's
 * state and a few numbers a product, whatever the number of orders.
 */
import type { OrderStatus } from '../../actors/order/order.ts';
import { AuditReader } from '../../persistence/postgres/audit-reader.ts';
import type { AuditedApart } from '../../persistence/postgres/audited-rows.ts';
import { judgeViewsBehind, VIEWS_STILL_MS } from './await-views.ts';
import type { FoldContext } from './entity-fold.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { Findings } from './findings.ts';
import { HoldLedger } from './hold-ledger.ts';
import { nameHolds } from './name-holds.ts';
import { OrderJudge } from './order-judge.ts';
import { passOverOrders } from './order-pass.ts';
import { passOverShards, type ShardPassResult } from './shard-pass.ts';
import { StockPass } from './stock-pass.ts';

export interface AuditTotals {
  readonly rows: number;
  readonly shards: number;
  readonly entities: number;
  readonly ordersByStatus: Readonly<Partial<Record<OrderStatus, number>>>;
  /** Unsettled, but for less than the grace. */
  readonly pendingOrders: number;
  readonly stockItems: number;
  /** Rows that the read models have not seen yet. */
  readonly rowsBeyondCheckpoints: number;
  readonly snapshots: number;
  /** Of another schema than this build's: the runtime ignores them as well. */
  readonly snapshotsIgnored: number;
  /** On the list of entities set apart: how many, and the first of them. */
  readonly setApart: number;
  readonly setApartFirst: readonly AuditedApart[];
}

export interface AuditResult {
  readonly findings: Findings;
  readonly totals: AuditTotals;
}

export interface AuditOptions {
  readonly settleGraceMs: number;
  /** Views that are behind and do not move for so long stay behind; VIEWS_STILL_MS if left out. */
  readonly viewsStillMs?: number;
  /** A pass begins, over about so many rows. */
  readonly stage: (label: string, rows: number) => void;
  readonly progress: (rows: number) => void;
}

/** @throws StartupError when there is no database to audit. */
export async function auditDatabase(databaseUrl: string, options: AuditOptions): Promise<AuditResult> {
  const reader = await AuditReader.open(databaseUrl);
  try {
    return await audit(reader, databaseUrl, options);
  } finally {
    await reader.close();
  }
}

async function audit(
  reader: AuditReader,
  databaseUrl: string,
  { settleGraceMs, viewsStillMs = VIEWS_STILL_MS, stage, progress }: AuditOptions,
): Promise<AuditResult> {
  const findings = new Findings();
  const rows = await reader.rowCount();
  const checkpoints = await reader.checkpoints();
  const context: FoldContext = { findings, suspects: [], checkpoints, commandIds: new FingerprintSet() };

  stage('shards', rows);
  const shards = await passOverShards(reader.places(), findings, progress);
  judgeCheckpoints(checkpoints, shards, findings);

  const ledger = new HoldLedger();
  const judge = new OrderJudge(context, ledger, { takenAt: await reader.takenAt(), settleGraceMs });
  stage('orders and stock', rows - shards.epochRows);
  await passOverOrders(reader, (group) => {
    judge.judge(group);
    progress(judge.rows);
  });
  await judgeForeignWakeUps(reader, findings);
  const stock = await new StockPass(context, ledger, (done) => progress(judge.rows + done)).run(reader);
  progress(judge.rows + stock.rows);

  if (stock.suspects.length > 0) {
    stage('naming holds', 0);
    await nameHolds(reader, stock.suspects, ledger, findings);
  }
  await nameRepeatedCommands(reader, context);
  await judgeViewsBehind(databaseUrl, checkpoints, shards.ends, findings, viewsStillMs);
  const apart = await reader.setApart();
  return {
    findings,
    totals: {
      rows: shards.rows,
      shards: shards.shards,
      entities: judge.entities + stock.entities,
      ordersByStatus: Object.fromEntries(judge.ordersByStatus),
      pendingOrders: judge.pending,
      stockItems: stock.entities,
      rowsBeyondCheckpoints: judge.rowsBeyondCheckpoints + stock.rowsBeyondCheckpoints,
      snapshots: stock.snapshots,
      snapshotsIgnored: stock.snapshotsIgnored,
      setApart: apart.count,
      setApartFirst: apart.first,
    },
  };
}

function judgeCheckpoints(
  checkpoints: ReadonlyMap<number, number>,
  { ends }: ShardPassResult,
  findings: Findings,
): void {
  for (const [shard, seq] of checkpoints) {
    const end = ends.get(shard) ?? 0;
    if (seq <= end) continue;
    findings.report(3, {
      entityId: `shd_${shard}`,
      shard,
      seq,
      expected: `a checkpoint at ${end} or before`,
      found: `one at ${seq}`,
    });
  }
}

/** Only orders and payments, and reservations while they are asked, ever wait for something. */
async function judgeForeignWakeUps(reader: AuditReader, findings: Findings): Promise<void> {
  for await (const batch of reader.wakeUps('other')) {
    for (const { entityId, shard } of batch) {
      findings.report(3, {
        entityId,
        shard,
        expected: 'no wake-up of an entity that never waits',
        found: 'one in wake_ups',
      });
    }
  }
}

/** What looked like a repeated command id is looked up: the set of ids keeps fingerprints only. */
async function nameRepeatedCommands(reader: AuditReader, { suspects, findings }: FoldContext): Promise<void> {
  for (const { entityId, commandId } of suspects) {
    const places = await reader.placesOfCommand(entityId, commandId);
    const second = places[1];
    if (!second) continue;
    findings.report(8, {
      entityId,
      ...second,
      expected: `one row for command ${commandId}`,
      found: `${places.length} rows`,
    });
  }
}
