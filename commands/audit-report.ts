/** How an audit is reported: to people as a table with the first offenders, to programs as JSON. */
import { count, duration, table } from './support/text.ts';
import type { AuditResult, AuditTotals } from '../audit/audit-database.ts';
import { AUDITED_INVARIANTS, type AuditedInvariant, type Offender } from '../audit/findings.ts';

const TITLE_WIDTH = 10;

export interface AuditReport {
  readonly verdict: 'clean' | 'violated';
  readonly invariants: readonly {
    readonly invariant: number;
    readonly rule: string;
    readonly violations: number;
    /** The first ones. */
    readonly offenders: readonly Offender[];
  }[];
  /** With what the kinds add of their own. */
  readonly totals: AuditTotals & Readonly<Record<string, unknown>>;
  readonly seconds: number;
  readonly peakRssMiB: number;
}

export function reportOf({ findings, totals, kinds }: AuditResult, tookMs: number, peakRssKiB: number): AuditReport {
  const { rows, shards, entities, ...others } = totals;
  const numbers = Object.keys(AUDITED_INVARIANTS).map(Number) as AuditedInvariant[];
  return {
    verdict: findings.violated.length === 0 ? 'clean' : 'violated',
    invariants: numbers.map((invariant) => ({
      invariant,
      rule: AUDITED_INVARIANTS[invariant],
      violations: findings.countOf(invariant),
      offenders: findings.offendersOf(invariant),
    })),
    totals: {
      rows,
      shards,
      entities,
      ...Object.fromEntries(
        kinds.flatMap(({ kind, counts }) => Object.entries(kind.audit?.report?.totals(counts) ?? {})),
      ),
      ...others,
    },
    seconds: Math.round(tookMs) / 1000,
    peakRssMiB: Math.round(peakRssKiB / 1024),
  };
}

export function auditText({ kinds }: AuditResult, report: AuditReport): string {
  const { totals, invariants } = report;
  const verdicts = invariants.map(({ invariant, rule, violations }) => [
    `  ${invariant}`,
    rule,
    violations === 0 ? 'ok' : `VIOLATED (${count(violations)})`,
  ]);
  const ofKinds = kinds.flatMap(({ kind: { audit }, counts }) =>
    audit?.report ? [`${audit.report.title.padEnd(TITLE_WIDTH)}${audit.report.line(counts, count)}`] : [],
  );
  const lines = [
    table(verdicts),
    ...invariants.flatMap(({ invariant, violations, offenders }) => offendersText(invariant, violations, offenders)),
    '',
    `rows      ${count(totals.rows)} in ${count(totals.shards)} shards, of ${count(totals.entities)} entities`,
    ...ofKinds,
    `views     ${count(totals.rowsBeyondCheckpoints)} rows behind the journal`,
    ...apartText(totals),
    `took      ${duration(report.seconds * 1000)}, at most ${count(report.peakRssMiB)} MiB`,
    '',
    verdictLine(report),
  ];
  return `${lines.join('\n')}\n`;
}

function apartText({ setApart, setApartFirst }: AuditTotals): string[] {
  if (setApart === 0) return [];
  return [
    `set apart ${count(setApart)} entities; see "npm run -s quarantine -- list"`,
    ...setApartFirst.map(({ entityId, shard, reason }) => `          ${entityId} (shard ${shard}): ${reason}`),
  ];
}

function offendersText(invariant: number, violations: number, offenders: readonly Offender[]): string[] {
  if (violations === 0) return [];
  const more = violations - offenders.length;
  return [
    '',
    `Invariant ${invariant} is violated by:`,
    ...offenders.map(({ entityId, shard, seq, expected, found }) => {
      const place = shard === undefined ? '' : ` (shard ${shard}${seq === undefined ? '' : `, seq ${seq}`})`;
      return `  ${entityId}${place}: expected ${expected}; found ${found}`;
    }),
    ...(more > 0 ? [`  and ${count(more)} more`] : []),
  ];
}

function verdictLine({ verdict, invariants }: AuditReport): string {
  if (verdict === 'clean') return 'AUDIT CLEAN: every invariant holds.';
  const violated = invariants.filter(({ violations }) => violations > 0).map(({ invariant }) => invariant);
  return `AUDIT FAILED: violated invariants ${violated.join(', ')}.`;
}
