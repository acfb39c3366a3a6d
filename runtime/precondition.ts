/**
 * What a caller demands of the version that its command meets (RFC 9110 sections 13.1.1 and 13.1.2). It travels with the
 * command and is judged by the entity, in the turn that decides: what was read before may be outdated by then.
 */
import type { Decision, Refusal } from '../kernel/decider.ts';

export interface Precondition {
  /** Versions of which the entity must have one; `*`: it must exist. */
  readonly ifMatch?: '*' | readonly number[];
  /** Versions of which the entity must have none; `*`: it must not exist. */
  readonly ifNoneMatch?: '*' | readonly number[];
}

type AnyDecision = Decision<unknown, Refusal>;

/** The entity is at another version than its caller demands. */
export interface PreconditionFailed {
  readonly code: 'precondition_failed';
  /** Absent where there is no such entity. */
  readonly version?: number;
}

/**
 * What can't be done anyway, or was done by this very command, needs no version to be refused or answered. Everything
 * else does: also a refusal for the state as it is now would speak of a state that the caller has not seen.
 *
 * @param begins the command is the one that begins an entity: then it is known where the entity says so.
 * @param version of an entity that exists; undefined where it does not.
 */
export function judged<Decided extends AnyDecision>(
  decision: Decided,
  condition: Precondition,
  begins: boolean,
  version: number | undefined,
): Decided | { readonly kind: 'rejected'; readonly refusal: PreconditionFailed } {
  const refused = decision.kind === 'rejected' ? decision.refusal.code : undefined;
  if (refused === 'not_found' || refused === 'idempotency_mismatch') return decision;
  if ((begins && decision.kind === 'already_done') || holds(condition, version)) return decision;
  return { kind: 'rejected', refusal: { code: 'precondition_failed', ...(version !== undefined && { version }) } };
}

/** @param version of an entity that exists; undefined where it does not. */
function holds({ ifMatch, ifNoneMatch }: Precondition, version: number | undefined): boolean {
  if (ifMatch !== undefined && !names(ifMatch, version)) return false;
  return ifNoneMatch === undefined || !names(ifNoneMatch, version);
}

function names(versions: '*' | readonly number[], version: number | undefined): boolean {
  return version !== undefined && (versions === '*' || versions.includes(version));
}
