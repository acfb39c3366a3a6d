/**
 * The port to the actors: what the edge, the transports and the shards speak. An ask names an entity and carries one
 * command (or none: a read); it is answered exactly once, also when it fails. Everything in it is plain JSON, because
 * the entity may live in another worker.
 */
import type { Refusal, Until } from '../kernel/decider.ts';
import type { FailureCode } from '../kernel/errors.ts';
import type { CausedBy, Origin } from '../persistence/ports.ts';
import type { Precondition } from './precondition.ts';

/** What a command's rows remember of where it came from. */
export type CommandSource = Pick<Ask, 'commandId' | 'fingerprint' | 'traceparent' | 'condition' | 'by'>;

export interface Ask {
  /** An entity id, see kernel/entity-id.ts. */
  readonly to: string;
  /** Absent: a read. */
  readonly command?: { readonly type: string };
  /** The same at every re-send of a command: it has one outcome. Empty for a read. */
  readonly commandId: string;
  /**
   * Hash of what the caller sent under this command id; given only by callers whose id must be remembered. Such an id is
   * bound also where the command finds its work done already: the row that binds it has no events. An empty text asks
   * for less: that the id is recognised once it was applied.
   */
  readonly fingerprint?: string | undefined;
  /** Judged when the command is decided, and only where it is not known. */
  readonly condition?: Precondition | undefined;
  /** The trace that the command belongs to (W3C): kept with its rows, and handed on with what they set off. */
  readonly traceparent?: string | undefined;
  /** Who sent it, from outside; steps that entities take by themselves have none. One object for all asks of a request. */
  readonly by?: CausedBy | undefined;
  readonly until: Until;
  /** How long the asker waits; then it hears `outcome_unknown` (a command) or `unavailable` (a read). */
  readonly timeoutMs: number;
  /**
   * A command that is not the same when it comes twice and that can't be recognised: it has no key, and others may have
   * decided in between. When its worker dies it is not sent to the next one.
   */
  readonly once?: true;
}

export type Answer =
  | {
      readonly kind: 'done';
      /** What the entity's decider answers, see `answer` of its kind. */
      readonly value: unknown;
      /** True when the command was known already and nothing was applied now. */
      readonly replayed: boolean;
      /** The entity's version that the answer saw, committed by now; 0 for an entity without rows. */
      readonly version: number;
      readonly origin: Origin;
    }
  | { readonly kind: 'rejected'; readonly refusal: Refusal }
  /** `retryAfterMs` where it is known. Never thrown. */
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly detail: string };

/**
 * The shard is not served here, or no longer: the asker's region asks its owner of that moment. After a new epoch the
 * answer is certain, also where it is `unknown` now whether the command was applied. Never leaves the regions.
 */
export interface Elsewhere {
  readonly kind: 'elsewhere';
  readonly applied: 'no' | 'unknown';
  readonly detail: string;
}

export function failed(code: FailureCode, detail: string) {
  return { kind: 'failed', code, detail } as const satisfies Answer;
}

export function elsewhere(applied: Elsewhere['applied'], detail: string): Elsewhere {
  return { kind: 'elsewhere', applied, detail };
}

/** What the worker that was asked says. */
export type ShardAnswer = Answer | Elsewhere;

export interface Actors {
  /** Never rejects. Order is kept between asks of one asker to one entity, while its shard stays where it is. */
  ask(ask: Ask): Promise<Answer>;
}

export type { Origin };
