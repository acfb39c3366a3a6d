/**
 * The audit itself: one pass over the logs of the shards, then one over each group of kinds that share a routing key,
 * all in one consistent picture of the database, then a second look at what needs one. Answers with a report; prints
 * nothing. Memory is bounded by one group, one entity's state and a few numbers for each entity that settles what others
 * contribute, whatever the number of entities that contribute.
 */
import { AuditReader } from '../persistence/postgres/audit-reader.ts';
import type { AuditedApart } from '../persistence/postgres/audited-rows.ts';
import type { AuditedKind, KindCounts } from './audit-definition.ts';
import { AuditedKinds } from './audited-kinds.ts';
import { judgeViewsBehind, VIEWS_STILL_MS } from './await-views.ts';
import type { FoldContext } from './entity-fold.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { Findings } from './findings.ts';
import { Accounts, GroupJudge, type JudgeOptions } from './group-judge.ts';
import { passOverGroup, type PassTotals } from './group-pass.ts';
import { nameClaims, type Suspicion } from './name-claims.ts';
import { passOverShards, type ShardPassResult } from './shard-pass.ts';

export interface AuditTotals {
  readonly rows: number;
  readonly shards: number;
  readonly entities: number;
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
  /** In the order of the list of kinds. */
  readonly kinds: readonly { readonly kind: AuditedKind; readonly counts: KindCounts }[];
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
export async function auditDatabase(
  databaseUrl: string,
  kinds: readonly AuditedKind[],
  options: AuditOptions,
): Promise<AuditResult> {
  const reader = await AuditReader.open(databaseUrl);
  try {
    return await audit(reader, databaseUrl, new AuditedKinds(kinds), options);
  } finally {
    await reader.close();
  }
}

async function audit(
  reader: AuditReader,
  databaseUrl: string,
  kinds: AuditedKinds,
  { settleGraceMs, viewsStillMs = VIEWS_STILL_MS, stage, progress }: AuditOptions,
): Promise<AuditResult> {
  const findings = new Findings();
  const rows = await reader.rowCount();
  const checkpoints = await reader.checkpoints();
  const context: FoldContext = { findings, suspects: [], checkpoints, commandIds: new FingerprintSet() };

  stage('shards', rows);
  const shards = await passOverShards(reader.places(), kinds, findings, progress);
  judgeCheckpoints(checkpoints, shards, findings);

  stage('entities', rows - shards.epochRows);
  const accounts = new Accounts(kinds);
  const judging = { takenAt: await reader.takenAt(), settleGraceMs };
  const { pass, suspicions } = await passOverGroups(reader, kinds, accounts, context, judging, progress);
  await judgeForeign(reader, kinds, findings);

  if (suspicions.length > 0) stage('second look', 0);
  for (const suspicion of suspicions) await nameClaims(reader, suspicion, findings);
  await nameRepeatedCommands(reader, context);
  await judgeViewsBehind(databaseUrl, checkpoints, shards.ends, findings, viewsStillMs);
  const apart = await reader.setApart();
  const counted = kinds.all.map((kind) => ({ kind, counts: accounts.tallies.get(kind)! }));
  const sum = (member: 'entities' | 'snapshots' | 'snapshotsIgnored'): number =>
    counted.reduce((total, { counts }) => total + counts[member], 0);
  return {
    findings,
    totals: {
      rows: shards.rows,
      shards: shards.shards,
      entities: sum('entities'),
      rowsBeyondCheckpoints: pass.rowsBeyondCheckpoints,
      snapshots: sum('snapshots'),
      snapshotsIgnored: sum('snapshotsIgnored'),
      setApart: apart.count,
      setApartFirst: apart.first,
    },
    kinds: counted,
  };
}

async function passOverGroups(
  reader: AuditReader,
  kinds: AuditedKinds,
  accounts: Accounts,
  context: FoldContext,
  judging: JudgeOptions,
  progress: (rows: number) => void,
): Promise<{ pass: PassTotals; suspicions: Suspicion[] }> {
  const pass: PassTotals = { rows: 0, rowsBeyondCheckpoints: 0 };
  const suspicions: Suspicion[] = [];
  for (const group of kinds.groups) {
    const judge = new GroupJudge(group, accounts, context.findings, judging);
    await passOverGroup(group, reader, context, judge, pass, () => progress(pass.rows));
    suspicions.push(...judge.suspicions(kinds));
  }
  progress(pass.rows);
  return { pass, suspicions };
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

/** Wake-ups and snapshots that no pass over a group has seen. */
async function judgeForeign(reader: AuditReader, { all }: AuditedKinds, findings: Findings): Promise<void> {
  const prefixes = all.map(({ prefix }) => prefix);
  for await (const batch of reader.otherWakeUps(prefixes)) {
    for (const { entityId, shard } of batch)
      findings.report(3, { entityId, shard, expected: 'the wake-up of an entity', found: 'another id in wake_ups' });
  }
  const withSnapshots = all.filter(({ decider }) => decider.snapshot).map(({ prefix }) => prefix);
  for await (const batch of reader.otherSnapshots(withSnapshots)) {
    for (const { entityId, shard, version } of batch) {
      const expected = 'no snapshot of an entity that keeps none';
      findings.report(3, { entityId, shard, expected, found: `one at version ${version}` });
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
