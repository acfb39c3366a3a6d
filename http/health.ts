/** Owns the two health answers that also stand on the public port. */
import type { EdgeServices } from './edge-services.ts';
import type { HealthReport } from './edge-deps.ts';
import type { Handler, PublicContext } from './edge-context.ts';
import { wordFor } from '../supervisors/worker-report.ts';
import { answerJson } from './answer.ts';

/** Is the process itself sound? Must never depend on anything outside it, or a failing database restarts everything. */
export function createLive({ health }: EdgeServices): Handler<PublicContext> {
  return (ctx) => {
    answerHealth(ctx, health.live());
  };
}

export function createReady({ health, log }: EdgeServices): Handler<PublicContext> {
  return async (ctx) => {
    try {
      answerHealth(ctx, await health.ready());
    } catch (err) {
      log.warn({ err }, 'readiness could not be determined');
      answerHealth(ctx, { healthy: false, checks: {} });
    }
  };
}

/** Without details: this port is everybody's, and they name machines and quote the database. The admin port shows them. */
function answerHealth(ctx: PublicContext, { healthy, checks }: HealthReport): void {
  const shown = Object.fromEntries(
    Object.entries(checks).map(([name, { detail: _, ...check }]) => [name, check] as const),
  );
  answerJson(ctx, healthy ? 200 : 503, { status: wordFor(healthy, checks), checks: shown });
}
