/** Owns the two health answers that also stand on the public port. */
import type { EdgeServices } from './edge-services.ts';
import type { HealthReport } from './edge-deps.ts';
import type { Handler, PublicCall } from './call.ts';
import { json, type Reply } from './reply.ts';

/** Is the process itself sound? Must never depend on anything outside it, or a failing database restarts everything. */
export function createLive({ health }: EdgeServices): Handler<PublicCall> {
  return () => Promise.resolve(healthReply(health.live()));
}

export function createReady({ health, log }: EdgeServices): Handler<PublicCall> {
  return async () => {
    try {
      return healthReply(await health.ready());
    } catch (err) {
      log.warn({ err }, 'readiness could not be determined');
      return healthReply({ healthy: false, checks: {} });
    }
  };
}

function healthReply({ healthy, checks }: HealthReport): Reply {
  return json(healthy ? 200 : 503, { status: healthy ? 'ok' : 'unavailable', checks });
}
