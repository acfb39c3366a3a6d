/** The DBOS peer as a target. */
import { peerTarget } from './peer-target.ts';

export const dbos = peerTarget({
  name: 'DBOS',
  id: 'dbos',
  program: 'bench/peers/dbos',
  // For its steps and for the library's own statements.
  connections: 10,
  isUnderWay: `exists (select from dbos.workflow_status w
    where w.workflow_uuid = coalesce(o.idempotency_key, o.id::text) and w.status in ('PENDING', 'ENQUEUED'))`,
});
