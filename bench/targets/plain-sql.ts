/** Owns the plain-SQL peer as a target: the yardstick of every run. */
import { verifyPlainSql } from '../peers/plain-sql/verify.ts';
import type { Target, TargetPlace } from './target.ts';

/** Connections a worker. More do not make it faster on few cores, fewer leave them waiting for commits. */
const POOL_SIZE = 10;

export const plainSql: Target = {
  name: 'Plain SQL',
  id: 'plain_sql',
  program: 'bench/peers/plain-sql',
  environment: (place: TargetPlace) => ({
    DATABASE_URL: place.databaseUrl,
    PORT: String(place.port),
    JWT_SECRET: place.jwtSecret,
    WORKERS: String(place.workers),
    POOL: String(POOL_SIZE),
  }),
  verify: async (databaseUrl, ordersAnswered) => {
    const problems = await verifyPlainSql(databaseUrl, ordersAnswered);
    return problems.length === 0 ? { kind: 'clean', by: 'its own tables' } : { kind: 'violated', problems };
  },
};
