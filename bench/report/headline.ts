/**
 * Owns what a run may claim. A figure stands only in a run that nothing spoils: every side's check found nothing wrong,
 * and Holdfast's own came out clean. Otherwise there are reasons, and no figure beside them.
 */
import { formatCount, formatRatio } from './format-figures.ts';
import type { ScenarioReport, SideResult } from './scenario-report.ts';

export type Headline =
  | { readonly kind: 'figure'; readonly figure: string; readonly comparisons: readonly string[] }
  | { readonly kind: 'none'; readonly reasons: readonly string[] };

export function headlineOf(report: ScenarioReport): Headline {
  const reasons = reasonsForNoFigure(report);
  const [holdfast] = report.sides;
  if (reasons.length > 0) return { kind: 'none', reasons };
  if (holdfast?.verifiedOrdersPerSecond === undefined) {
    return { kind: 'none', reasons: [holdfast === undefined ? 'nothing was measured' : verdictOf(holdfast)] };
  }
  return {
    kind: 'figure',
    figure: `${formatCount(holdfast.verifiedOrdersPerSecond)} verified orders/s`,
    comparisons: report.comparisons.map(({ peer, ratio }) => {
      const spread = `${formatRatio(ratio.lowest)} to ${formatRatio(ratio.highest)}`;
      return `${formatRatio(ratio.ratio)} times ${peer} (single rounds: ${spread})`;
    }),
  };
}

/** What spoils the whole run; empty for a good one. Who wrote the report may have left a verdict out of `invalid`. */
export function reasonsForNoFigure({ invalid, sides }: ScenarioReport): readonly string[] {
  return invalid.length > 0 ? invalid : sides.filter(({ verdict }) => verdict.kind === 'violated').map(verdictOf);
}

/** One sentence, with the side's name. */
export function verdictOf({ name, verdict }: SideResult): string {
  switch (verdict.kind) {
    case 'clean':
      return `${name}: clean, checked by ${verdict.by}`;
    case 'violated':
      return `${name}: violated: ${verdict.problems.join('; ')}`;
    case 'unchecked':
      return `${name}: not checked: ${verdict.reason}`;
  }
}
