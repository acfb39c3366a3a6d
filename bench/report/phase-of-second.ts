import type { PhaseResult, RoundResult } from './scenario-report.ts';

/** The phase that most of a second lies in; `end` is the second's end, as samples give it. */
export function phaseOfSecond({ phases }: RoundResult, end: number): PhaseResult | undefined {
  return phases.findLast(({ from }) => from < end - 0.5);
}
