/**
 * Owns the memory of an id that comes with more than one entity: a stock batch's key, and a message's id, which belongs
 * to one command whatever entity that is for. The entity that could be made under the id remembers what was sent with it
 * instead, by a row without events. So an entity and a claim under one id find each other, in one turn of one entity.
 *
 * The claim is durable before what it stands for begins. What is refused or broken off then is sent again unchanged.
 */
import { problemOfAnswer } from './answer-problems.ts';
import type { CommandSource } from './command-source.ts';
import type { EdgeServices } from './edge-services.ts';

const KEY = { name: 'key' };

interface Claim {
  /** A UUID that only this key comes out as, see idempotency.ts. */
  readonly id: string;
  /** Hash of what was sent under the key. */
  readonly fingerprint: string;
  /** As the caller calls its key, see AskContext. */
  readonly keyName?: string;
  readonly source: CommandSource;
}

/** @returns whether the same was claimed before. @throws Problem idempotency_mismatch; overloaded, unavailable, outcome_unknown. */
export async function claimId({ actors, claims, timeouts }: EdgeServices, claim: Claim): Promise<boolean> {
  const { id, fingerprint, keyName, source } = claim;
  const { traceparent, by } = source;
  const answer = await actors.ask({
    to: claims.entityOf(id),
    command: claims.command,
    commandId: claims.commandId,
    fingerprint,
    traceparent,
    by,
    until: 'durable',
    timeoutMs: timeouts.commandMs,
  });
  if (answer.kind === 'done') return answer.replayed;
  throw problemOfAnswer(answer, KEY, { keyed: true, keyName });
}
