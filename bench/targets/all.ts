/** The list of services that can be measured. */
import type { PeerName } from '../scenarios/scenario.ts';
import { dbos } from './dbos.ts';
import { holdfast, withoutRelay } from './holdfast.ts';
import { plainSql } from './plain-sql.ts';
import { queueTable } from './queue-table.ts';
import type { Target } from './target.ts';

export const TARGETS: Readonly<Record<'holdfast' | PeerName, Target>> = {
  holdfast,
  'plain-sql': plainSql,
  'queue-table': queueTable,
  dbos,
  'without-relay': withoutRelay,
};
