/** Decides whether a run's figures count: not after a broken promise, a missed schedule, or a failed check. */
import type { SideResult } from './report/scenario-report.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** As sentences; empty where the side's figures count. */
export function whyInvalid(side: SideResult, scenario: Scenario): string[] {
  const { name, rounds, verdict } = side;
  const phases = rounds.flatMap((round) => round.phases);
  const reasons: string[] = [];
  if (verdict.kind === 'violated') reasons.push(`${name}: the check afterwards found: ${verdict.problems.join('; ')}`);
  if (verdict.kind === 'unchecked') reasons.push(`${name}: not checked: ${verdict.reason}`);
  for (const phase of phases) {
    if (phase.dropped > 0)
      reasons.push(
        `${name}, ${phase.name}: ${phase.dropped} arrivals found no connection in time; the load was not kept up`,
      );
    for (const { name: operation, refused, errors } of phase.operations) {
      if (refused > 0 && (scenario.refusesNone === true || phase.offeredPerSecond === undefined))
        reasons.push(`${name}, ${phase.name}: ${refused} x ${operation} were refused`);
      // A killed process breaks its connections.
      if (scenario.disturbances === undefined)
        for (const { message, count } of errors)
          reasons.push(`${name}, ${phase.name}: ${count} x ${operation}: ${message}`);
    }
    if (phase.measured && phase.orders === 0) reasons.push(`${name}, ${phase.name}: not one order was complete`);
  }
  return reasons;
}
