/** Counts what the edge answers, for readiness: all, and what failed for reasons of the service's own. */
import type { Problem, ProblemCode } from './problems.ts';

const FAILED: ReadonlySet<string> = new Set<ProblemCode>(['unavailable', 'outcome_unknown', 'internal']);

export class EdgeAnswers {
  answered = 0;
  failed = 0;

  /** One record that can't be read is no failure of the service: asked for often, it would take a node away. */
  count({ code, details }: Problem): void {
    if (FAILED.has(code) && details.isOfOneRecord !== true) this.failed++;
  }
}
