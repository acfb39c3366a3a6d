/** The report of a replay: for people a table of checks, for programs JSON. */
import { shortened } from '../../kernel/shortened.ts';
import { count, table } from '../support/text.ts';
import type { ReplayFigures } from './replay-file.ts';
import type { Check, ReplayVerdict } from './replay-verdict.ts';
import type { RetailFile } from './retail-file.ts';

const CELL_LENGTH_MAX = 60;

export interface ReplayReport {
  readonly verdict: 'right' | 'wrong';
  readonly file: string;
  readonly checks: readonly Check[];
  /** The first orders, products and invoices that are wrong. */
  readonly offenders: readonly string[];
  readonly figures: ReplayFigures;
  /** Invoices of the file that are no orders: returns are for a later version, the rest is skipped. */
  readonly returnsNotSent: number;
  readonly skipped: number;
}

export function reportOf(file: RetailFile, verdict: ReplayVerdict, figures: ReplayFigures): ReplayReport {
  return {
    verdict: verdict.ok ? 'right' : 'wrong',
    file: file.path,
    checks: verdict.checks,
    offenders: verdict.offenders,
    figures,
    returnsNotSent: file.returnInvoices,
    skipped: file.skippedInvoices,
  };
}

export function replayText({ verdict, checks, offenders, figures, returnsNotSent, skipped }: ReplayReport): string {
  const rows = checks.map(({ check, expected, found, ok }) => [
    check,
    shortened(expected, CELL_LENGTH_MAX),
    shortened(found, CELL_LENGTH_MAX),
    ok ? 'ok' : 'WRONG',
  ]);
  const failed = checks.filter(({ ok }) => !ok).length;
  const { ordersPerSecond, orderLinesPerSecond, placed, recognised, refused, retries, seconds } = figures;
  return [
    table([['check', 'expected', 'found', ''], ...rows]),
    '',
    ...offenders,
    ...(offenders.length > 0 ? [''] : []),
    `${count(placed)} orders placed, ${count(recognised)} recognised from a run before, ${count(refused)} refused; ${count(retries)} requests sent again.`,
    `${count(returnsNotSent)} return invoices not sent, ${count(skipped)} other invoices skipped.`,
    `${seconds.toFixed(1)} s until all had settled: ${ordersPerSecond} orders/s, ${orderLinesPerSecond} order lines/s.`,
    '',
    verdict === 'right'
      ? 'REPLAY RIGHT: the database says what the file says.'
      : `REPLAY WRONG: ${failed} of ${checks.length} checks failed.`,
    '',
  ].join('\n');
}
