/** What a start finds of the database's past, and says. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { StopOrder } from '../kernel/stop-order.ts';
import type { DatabaseFacts } from '../persistence/postgres/prepare-database.ts';
import { SeenMarker, type Comparison } from '../supervisors/seen-marker.ts';

export interface WhatIsThere {
  readonly databaseUrl: string;
  readonly nodeId: string;
  readonly facts: DatabaseFacts;
  /** Why the broker can't be asked. */
  readonly brokerAway: string | undefined;
}

/** Says what the start found of the database's past. @returns the deployment that it is. */
export async function compareWithSeen(
  { amqpUrl }: Config,
  { databaseUrl, nodeId, facts, brokerAway }: WhatIsThere,
  started: StopOrder,
  clock: Clock,
  log: Logger,
): Promise<string> {
  sayFound(facts, log);
  if (amqpUrl === undefined) return facts.deploymentId;
  const marker = new SeenMarker({ amqpUrl, databaseUrl, nodeId, clock, log });
  started.add({ name: 'mark of what was seen', stop: () => marker.stop() });
  const found = await started.unlessWanted(marker.compare(brokerAway));
  sayFound(found, log);
  if (brokerAway === undefined) await started.unlessWanted(marker.mark());
  marker.start();
  return found.deploymentId;
}

/** Loud: who restored or copied the database, and consumers that compare ids by hand, should know. */
function sayFound({ begun, copyOf, deploymentId }: Comparison, log: Logger): void {
  if (begun) {
    const { number, tag, reason } = begun;
    log.warn({ number, tag, reason }, 'a new incarnation begins: message ids of new events differ from all before');
  }
  if (copyOf !== undefined)
    log.warn(
      { copyOf, deploymentId },
      'the database is a copy, and a deployment of its own from now on; if the original is gone for good, stop all nodes and run: npm run -s incarnation -- resume',
    );
}
