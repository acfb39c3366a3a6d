/**
 * Decides what a run may claim. It has a figure only if every side's check found no fault and Holdfast's own audit was
 * clean. Otherwise it has reasons and no figure.
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

/** Why the whole run is invalid; empty for a good one. A report's writer may have left a verdict out of `invalid`. */
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
