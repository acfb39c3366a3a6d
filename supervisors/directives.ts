/** The directive table: what a crash of an actor means, by the code of its error. */
import type { Directive } from '../runtime/entity/guardian.ts';
import { CorruptionError, ForeignMessageError } from '../kernel/errors.ts';
import { InvariantViolation } from '../kernel/invariant.ts';

export type CrashCode = 'foreign_message' | 'corruption' | 'invariant' | 'exhausted' | 'unexpected';

export const DIRECTIVES: Readonly<Record<CrashCode, Directive>> = {
  /** Thrown before anything was touched. */
  foreign_message: 'resume',
  /** The stored rows contradict this build: reading them again changes nothing. */
  corruption: 'stop',
  /** What is in memory contradicts itself; the journal is the truth. */
  invariant: 'restart',
  /** Memory, stack, descriptors: the worker is at fault, not the entity. */
  exhausted: 'escalate',
  unexpected: 'restart',
};

const EXHAUSTED = new Set(['ERR_OUT_OF_MEMORY', 'ERR_WORKER_OUT_OF_MEMORY', 'ERR_MEMORY_ALLOCATION_FAILED', 'EMFILE']);

export function crashCodeOf(error: unknown): CrashCode {
  if (error instanceof ForeignMessageError) return 'foreign_message';
  if (error instanceof CorruptionError) return 'corruption';
  if (error instanceof InvariantViolation) return 'invariant';
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && EXHAUSTED.has(code) ? 'exhausted' : 'unexpected';
}
