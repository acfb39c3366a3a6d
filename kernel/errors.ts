/**
 * Failures by two questions: who must act, and is the outcome known? A refusal by a business rule is not here: it is
 * a value (see kernel/decider.ts). Codes are stable; http/ holds the one table that maps them to statuses.
 */

export type FailureCode =
  /** A limit was reached before anything was applied. Retry later. */
  | 'overloaded'
  /** The owner can't be reached or may not serve now; nothing was applied. Retry elsewhere or later. */
  | 'unavailable'
  /** The command may have been applied. Only a retry under the same command id, or a read, shows it. */
  | 'outcome_unknown'
  /** The entity's stored rows can't be read. A person must act; all other entities go on. */
  | 'quarantined'
  /** The database refused this entity's row for good; nothing was applied. */
  | 'not_applied';

/** Stored data contradicts the code that reads it: quarantines the one entity that it belongs to. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

/** This build doesn't know the message: its sender is of another version. Thrown before anything is changed. */
export class ForeignMessageError extends Error {
  override readonly name = 'ForeignMessageError';
}

/**
 * A start-up condition that a person must mend. Only its message is shown, without a stack, and the process exits 1.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** The message of any thrown value; never empty (Node's errors for several addresses have none of their own). */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.message !== '') return thrown.message;
  if (thrown instanceof AggregateError && thrown.errors.length > 0)
    return [...new Set(thrown.errors.map(messageOf))].join('; ');
  return codeOf(thrown) ?? thrown.name;
}

/** What PostgreSQL's driver says without a code when a connection breaks. */
const BROKEN_CONNECTION = /^(Connection terminated|Query read timeout|timeout e|Client has encountered a connection)/;
/** SQLSTATE: connection, rollback, resources, object in use, operator, system. Others mean a wrong statement. */
const OUTAGE_STATE = /^(08|40|53|55|57|58)[0-9A-Z]{3}$/;
/** A system error, or what the broker's client calls its own; Node's `ERR_...` are mistakes of a caller. */
const OUTAGE_CODE = /^(?!ERR_)[A-Z]{4}[A-Z_]*$/;

/** True when something outside this process failed: the database, the broker, the network. It is no defect of ours. */
export function isOutage(error: Error): boolean {
  const code = codeOf(error);
  if (code !== undefined) return OUTAGE_STATE.test(code) || OUTAGE_CODE.test(code);
  if (error.cause instanceof Error) return isOutage(error.cause);
  return BROKEN_CONNECTION.test(error.message);
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
