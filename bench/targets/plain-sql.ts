/** The plain-SQL peer as a target: the yardstick of every run. */
import { peerTarget } from './peer-target.ts';

export const plainSql = peerTarget({
  name: 'Plain SQL',
  id: 'plain_sql',
  program: 'bench/peers/plain-sql',
  // More do not make it faster on few cores, fewer leave them waiting for commits.
  connections: 10,
});
