/** The report of a run: complete for programs; for people first what was done, then the results. */
import { count, duration, table } from '../commands/support/text.ts';
import { shortened } from '../kernel/shortened.ts';
import { type Isolation, UNSERVED_MS_MAX } from './check/check-reach.ts';
import type { Violation } from './check/violation.ts';
import type { Tally } from './load/history.ts';
import type { ChaosOptions } from './options.ts';
import { FAULT_KINDS } from './plan.ts';
import type { TimelineEntry } from './timeline.ts';

export interface RunReport {
  readonly verdict: 'clean' | 'violated';
  readonly startedAt: string;
  readonly options: ChaosOptions;
  readonly durationMs: number;
  readonly timeline: readonly TimelineEntry[];
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly faults: number;
  readonly orders: {
    readonly begun: number;
    readonly acknowledged: number;
    readonly shed: number;
    /** Acknowledged, over the time in which faults were injected. */
    readonly perSecond: number;
    readonly longestPauseMs: number;
  };
  readonly requests: Tally;
  readonly statuses: Readonly<Record<string, number>>;
  readonly journal: { readonly rows: number; readonly epochs: number; readonly orders: number };
  /** Public events: in the journal, heard by the kit's consumer, and the messages received. Absent: no broker. */
  readonly events?: { readonly published: number; readonly heard: number; readonly messages: number };
  /** The result of each time that nodes could not reach each other. */
  readonly isolations?: readonly Isolation[];
  /** Warnings and errors in the nodes' logs. */
  readonly nodeLog: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

const OFFENDERS_SHOWN = 5;
const TARGET_LENGTH_MAX = 90;
const TEXT_LENGTH_MAX = 300;

export function countByKind(timeline: readonly TimelineEntry[]): Record<string, number> {
  const faults = timeline.filter(({ isFault }) => isFault);
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length]));
}

/** The longest time without an acknowledged order, whatever the reason. */
export function longestPauseMs(acknowledgedAtMs: readonly number[], durationMs: number): number {
  const moments = [0, ...acknowledgedAtMs.filter((atMs) => atMs < durationMs).sort((a, b) => a - b), durationMs];
  return Math.round(moments.reduce((longest, atMs, index) => Math.max(longest, atMs - (moments[index - 1] ?? 0)), 0));
}

export function formatReport(report: RunReport): string {
  const { options, orders, requests, journal } = report;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return [
    'Timeline',
    table(
      report.timeline.map(({ atMs, kind, target, durationMs }) => [
        `  ${seconds(atMs).padStart(9)}`,
        kind,
        durationMs === undefined || durationMs === 0 ? '' : seconds(durationMs),
        shortened(target, TARGET_LENGTH_MAX),
      ]),
    ),
    '',
    table([
      ['seed', `${options.seed}`],
      [
        'setup',
        `${options.nodes} node(s) of ${options.workers} workers, ${options.rate} orders/s wanted, ` +
          (options.broker ? 'talking through RabbitMQ' : 'no broker'),
      ],
      ['faults', `${report.faults} in ${duration(report.durationMs)}: ${listed(report.faultsByKind)}`],
      ['requests', `${count(requests.ok)} ok, ${count(requests.failed)} failed, ${count(requests.unknown)} unknown`],
      ['answers', listed(report.statuses)],
      ['journal', `${count(journal.rows)} rows, ${count(journal.epochs)} epochs, ${count(journal.orders)} orders`],
      ['log', listed(report.nodeLog) || 'no warnings'],
      [
        'orders',
        `${count(orders.acknowledged)} acknowledged of ${count(orders.begun)} begun (${count(orders.shed)} not begun), ` +
          `${orders.perSecond.toFixed(1)}/s during faults, longest pause ${seconds(orders.longestPauseMs)}`,
      ],
    ]),
    ...brokerText(report),
    ...offendersText(report.violations),
    '',
    verdictLine(report),
    '',
  ].join('\n');
}

function brokerText({ events, isolations = [] }: RunReport): string[] {
  if (events === undefined) return [];
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const longestMs = Math.max(0, ...isolations.map(({ unservedMs }) => unservedMs));
  return [
    '',
    `Events: ${count(events.heard)} heard of ${count(events.published)} public ones, in ${count(events.messages)} messages`,
    `Cut off: ${isolations.length} times, longest unserved ${seconds(longestMs)} of ${seconds(UNSERVED_MS_MAX)}`,
    table(
      isolations.map(({ atMs, kind, target, probes, probesFailed, unservedMs, unservedAt }) => [
        `  ${seconds(atMs).padStart(9)}`,
        kind,
        `unserved ${seconds(unservedMs)}`,
        `${count(probesFailed)} of ${count(probes)} probes failed at ready nodes`,
        shortened([target, unservedAt].filter((text) => text !== '').join('; '), TARGET_LENGTH_MAX),
      ]),
    ),
  ];
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, number]) => `${count(number)} ${name}`)
    .join(', ');
}

function offendersText(violations: readonly Violation[]): string[] {
  const rules = [...new Set(violations.map(({ rule }) => rule))];
  return rules.flatMap((name) => {
    const offenders = violations.filter(({ rule }) => rule === name);
    const shown = offenders.slice(0, OFFENDERS_SHOWN).map(({ subject, expected, found }) => {
      const texts = [expected, found].map((text) => shortened(text, TEXT_LENGTH_MAX));
      return `  ${subject}: expected ${texts[0]}; found ${texts[1]}`;
    });
    const more = offenders.length - shown.length;
    return ['', `${name} (${count(offenders.length)})`, ...shown, ...(more > 0 ? [`  and ${count(more)} more`] : [])];
  });
}

function verdictLine({ verdict, violations, orders, faults, options }: RunReport): string {
  if (verdict === 'clean') {
    return `CHAOS CLEAN: ${count(orders.acknowledged)} acknowledged orders survived ${faults} faults (seed ${options.seed}).`;
  }
  return `CHAOS FAILED: ${count(violations.length)} violations (seed ${options.seed}).`;
}
