/** The port to whoever decides over actors that crashed. The one implementation: supervisors/guardian.ts. */
/**
 * - `resume`: the message failed, the entity goes on as it was.
 * - `restart`: what is in memory is void; the entity is read from the journal again.
 * - `stop`: it can't be helped by reading it again: it is set apart until a person acts.
 * - `escalate`: it is not this entity: the worker gives up, and its supervisor starts another.
 */
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate';

export interface Crash {
  readonly kind: string;
  readonly entityId: string;
  readonly error: unknown;
}

export interface Guardian {
  /** Must not throw. */
  decide(crash: Crash): Directive;
}
