/**
 * How many sessions with PostgreSQL a node opens: none is opened beyond it, and a start looks whether the server has
 * room for them. README names the formula.
 */

/** A worker's pool for reads. */
export const READ_SESSIONS_MAX = 4;
/** For lists of orders alone: as many as are read at a time. */
export const LIST_SESSIONS_MAX = 2;
/** A worker's session each for the journal, the read models and its membership. */
const STATEMENT_SESSIONS = 3;
/** The primary's own, and one that prepares the database at a start. */
const PRIMARY_SESSIONS = 2;

const SESSIONS_PER_WORKER = READ_SESSIONS_MAX + LIST_SESSIONS_MAX + STATEMENT_SESSIONS;

export function sessionsOfNode(workers: number): number {
  return workers * SESSIONS_PER_WORKER + PRIMARY_SESSIONS;
}
