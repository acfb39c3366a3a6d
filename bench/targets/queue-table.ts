/** The queue-table peer as a target. */
import { peerTarget } from './peer-target.ts';

export const queueTable = peerTarget({
  name: 'Queue table',
  id: 'queue_table',
  program: 'bench/peers/queue-table',
  // Beside those of its three lanes.
  connections: 7,
  isUnderWay: 'exists (select from jobs where order_id = o.id)',
});
