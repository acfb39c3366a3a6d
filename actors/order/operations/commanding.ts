/**
 * Owns a command on an order that exists, whoever asks for it. It may be sent again under the same command id, so an
 * answer that was lost is asked for once more before the caller hears that the outcome is unknown.
 */
import type { Answer } from '../../../runtime/ask.ts';
import { orderEntity } from '../../../kernel/entity-id.ts';
import type { OrderCommand, PlacedOrder } from '../order.ts';
import { problemOfAnswer } from '../../../http/answer-problems.ts';
import type { CommandSource } from '../../../http/command-source.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import type { CommandName } from '../../../http/idempotency.ts';
import type { Commanded } from './placing.ts';

export interface Commanding {
  readonly orderId: string;
  readonly command: OrderCommand;
  readonly name: CommandName;
  /** The name was made from what the caller will send again. */
  readonly keyed: boolean;
  /** As the caller calls its key, see AskContext. */
  readonly keyName?: string;
  /** How long to wait for the order to be at rest; undefined: durable is enough. */
  readonly settleWithinMs: number | undefined;
  readonly source: CommandSource;
}

/** @throws Problem not_found, illegal_transition, precondition_failed, idempotency_mismatch; overloaded, unavailable, outcome_unknown. */
export async function commandOrder({ actors, timeouts }: EdgeServices, commanding: Commanding): Promise<Commanded> {
  const { orderId, command, name, keyed, keyName, settleWithinMs, source } = commanding;
  const ask = { to: orderEntity(orderId), command, ...name, ...source };

  let answer: Answer;
  let repeated = false;
  if (settleWithinMs === undefined) {
    answer = await actors.ask({ ...ask, until: 'durable', timeoutMs: timeouts.commandMs });
  } else {
    answer = await actors.ask({ ...ask, until: 'settled', timeoutMs: settleWithinMs });
    if (answer.kind === 'failed' && answer.code === 'outcome_unknown') {
      const again = await actors.ask({ ...ask, until: 'durable', timeoutMs: timeouts.commandMs });
      if (again.kind !== 'failed') answer = again;
      repeated = true;
    }
  }
  if (answer.kind !== 'done') {
    throw problemOfAnswer(answer, 'order', { keyed, orderId, ...(keyName !== undefined && { keyName }) });
  }
  const { value, version, origin, replayed } = answer;
  return { found: { state: value as PlacedOrder, version, origin }, replayed, repeated };
}
