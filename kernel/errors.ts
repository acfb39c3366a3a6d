/**
 * Failures by two questions: who must act, and is the outcome known? A refusal by a business rule is not here: it is
 * a value (see domain/decider.ts). Codes are stable; http/ holds the one table that maps them to statuses.
 */

export type FailureCode =
  /** A limit was reached before anything was applied. Retry later. */
  | 'overloaded'
  /** The owner can't be reached or may not serve now; nothing was applied. Retry elsewhere or later. */
  | 'unavailable'
  /** It may or may not have happened. Only a retry under the same command id, or a read, can tell. */
  | 'outcome_unknown'
  /** The entity's stored rows can't be read. A person must act; everybody else goes on. */
  | 'quarantined'
  /** The database refused this entity's row for good; nothing was applied. */
  | 'not_applied';

export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Stored data that contradicts the code that reads it: quarantines the one entity that it belongs to. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

/** A message that this build doesn't know: its sender is of another version. Thrown before anything was touched. */
export class ForeignMessageError extends Error {
  override readonly name = 'ForeignMessageError';
}

/** A condition of start-up that a person must mend. Its message is shown alone, without a stack, and the process exits 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
