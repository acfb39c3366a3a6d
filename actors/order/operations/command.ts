/**
 * Gives a command to an order that exists, for HTTP and for messages. It may be sent again under the same command id, so
 * a lost answer is asked for once more before the caller hears that the outcome is unknown.
 */
import type { Answer } from '../../../runtime/ask.ts';
import { orderEntity, type OrderCommand, type PlacedOrder } from '../order.ts';
import { problemOfAnswer } from '../../../http/answer-problems.ts';
import type { CommandSource } from '../../../http/command-source.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import type { CommandName } from '../../../http/idempotency.ts';
import type { FoundOrder } from './find-order.ts';
import { ORDER } from './order-problems.ts';

/** What people and other systems may ask of an order. */
export type CallersCommand = Extract<OrderCommand, { readonly type: 'ConfirmOrder' | 'CancelOrder' }>;

interface CommandRequest {
  readonly orderId: string;
  readonly command: CallersCommand;
  readonly name: CommandName;
  /** The name is made from what the caller sends again. */
  readonly keyed: boolean;
  /** As the caller calls its key, see AskContext. */
  readonly keyName?: string;
  /** How long to wait for the order to be at rest; undefined: durable is enough. */
  readonly settleWithinMs: number | undefined;
  readonly source: CommandSource;
}

export interface AppliedCommand {
  readonly found: FoundOrder;
  /** The command was known already, and nothing was applied now. */
  readonly replayed: boolean;
  /** It was asked twice within this call, so `replayed` may mean ourselves. */
  readonly repeated: boolean;
}

/** @throws Problem not_found, illegal_transition, precondition_failed, idempotency_mismatch; overloaded, unavailable, outcome_unknown. */
export async function commandOrder(
  { actors, timeouts }: EdgeServices,
  request: CommandRequest,
): Promise<AppliedCommand> {
  const { orderId, command, name, settleWithinMs, source } = request;
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
  return applied(answer, repeated, request);
}

/** @throws Problem where the order did not do it. */
export function applied(
  answer: Answer,
  repeated: boolean,
  { orderId, keyed, keyName }: Pick<CommandRequest, 'orderId' | 'keyed' | 'keyName'>,
): AppliedCommand {
  if (answer.kind !== 'done') throw problemOfAnswer(answer, ORDER, { keyed, keyName, whereToLook: { orderId } });
  const { value, version, origin, replayed } = answer;
  return { found: { state: value as PlacedOrder, version, origin }, replayed, repeated };
}
