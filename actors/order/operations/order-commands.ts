/**
 * Owns the commands on orders that do not come by HTTP: the same schemas, screening, rules and problems as there, by
 * the same functions. What is said here about an outcome decides whether a message is answered, sent again or put
 * aside, so a case that is not known is thrown and never guessed.
 *
 * Whoever may publish commands is trusted as staff; the broker's permissions say who that is.
 */
import { unreachable } from '../../../kernel/invariant.ts';
import type {
  CommandOutcome,
  CommandType,
  OrderCommand,
  OrderCommands,
} from '../../../messaging/commands/order-commands.ts';
import type { CausedBy } from '../../../persistence/ports.ts';
import type { Principal } from '../../../http/authenticator.ts';
import { claimId } from '../../../http/claim-id.ts';
import type { CommandSource } from '../../../http/command-source.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { commandNameOfMessage, orderIdOfMessage } from '../../../http/idempotency.ts';
import { commandOrder, type CallersCommand } from './command.ts';
import { orderIdOf, type FoundOrder } from './find-order.ts';
import { orderJson } from './order-json.ts';
import { orderServices } from './order-services.ts';
import { orderTermsOf } from './order-terms.ts';
import { placeOrder } from './place.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { Problem, problemDocument, type ProblemCode } from '../../../http/problems.ts';
import { cancelOrderMessage, confirmOrderMessage, parsePlaceOrderMessage } from './requests.ts';
import { screenValue } from '../../../http/text-screen.ts';

const KEY_NAME = 'message-id';
/** An app-id is only the sender's own word: it must not read as a user's. */
const ISSUERS = { user: 'amqp', app: 'amqp-app' } as const;

export function createOrderCommands(services: EdgeServices): OrderCommands {
  const { log, shards } = services;
  return {
    async perform(message) {
      const { type, messageId, sender, onBehalfOf } = message;
      try {
        screenValue(message.body);
        const { state, version, origin } = await commanded(services, message);
        log.debug({ orderId: state.orderId, type, messageId, sender, onBehalfOf }, 'a command came by message');
        return { kind: 'done', order: orderJson(state, version, origin, shards) };
      } catch (thrown) {
        if (!(thrown instanceof Problem)) throw thrown;
        const context = { requestId: messageId, instance: instanceOf(type) };
        const kind = comesEarly(type, thrown) ? 'not_yet' : outcomeOf(thrown.code);
        return { kind, problem: problemDocument(thrown, context) };
      }
    },
    describe({ code, detail, errors }, { messageId, instance }) {
      const problem = new Problem(code, detail, errors === undefined ? {} : { errors });
      return problemDocument(problem, { requestId: messageId, instance });
    },
  };
}

async function commanded(services: EdgeServices, message: OrderCommand): Promise<FoundOrder> {
  const { type, body, sender, messageId, traceparent } = message;
  const namespace = services.idempotencyNamespace;
  const source: CommandSource = { traceparent, by: causedBy(message) };
  const shared = { keyed: true, keyName: KEY_NAME, settleWithinMs: undefined, source };
  // The id of a message is one command's, whatever order that is for.
  const id = orderIdOfMessage(namespace, sender, messageId);

  async function command(given: string, domainCommand: CallersCommand, rest: unknown): Promise<FoundOrder> {
    const orderId = orderIdOf(given);
    const name = commandNameOfMessage(namespace, sender, messageId, `${domainCommand.type} ${orderId}`, rest);
    await claimId(services, { id, fingerprint: name.fingerprint, keyName: KEY_NAME, source });
    return (await commandOrder(services, { orderId, command: domainCommand, name, ...shared })).found;
  }

  switch (type) {
    case 'place': {
      const { name } = sender;
      const principal: Principal = { sub: name, role: 'support', issuer: ISSUERS[sender.kind], customerId: name };
      const terms = orderTermsOf(parsePlaceOrderMessage(body), principal, services.reservationTtlMs);
      const placing = { orderId: id, terms, fingerprint: terms.bodyHash, ...shared };
      return (await placeOrder(orderServices(services), placing)).found;
    }
    case 'confirm': {
      const { orderId, ...rest } = parseInput(confirmOrderMessage, body);
      return command(orderId, { type: 'ConfirmOrder' }, rest);
    }
    case 'cancel': {
      const { orderId, ...rest } = parseInput(cancelOrderMessage, body);
      return command(orderId, { type: 'CancelOrder', reason: rest.reason }, rest);
    }
    default:
      return unreachable(type, 'type of a command');
  }
}

function causedBy({ sender, messageId, onBehalfOf }: OrderCommand): CausedBy {
  const { kind, name } = sender;
  const by = { channel: 'message', who: name, issuer: ISSUERS[kind], requestId: messageId } as const;
  return onBehalfOf === undefined ? by : { ...by, onBehalfOf };
}

/** The order is on its way to where a person may confirm it: the refusal would not stay true. */
function comesEarly(type: CommandType, { code, details }: Problem): boolean {
  const from = details.members?.['from'];
  return type === 'confirm' && code === 'illegal_transition' && (from === 'Created' || from === 'PaymentPending');
}

function outcomeOf(code: ProblemCode): Exclude<CommandOutcome['kind'], 'done'> {
  switch (code) {
    case 'not_found':
      return 'not_yet';
    case 'overloaded':
    case 'unavailable':
    case 'outcome_unknown':
      return 'retry';
    case 'validation_failed':
    case 'card_data_refused':
      return 'invalid';
    case 'currency_mismatch':
    case 'idempotency_key_invalid':
    case 'idempotency_mismatch':
    case 'illegal_transition':
    case 'unknown_product':
      return 'refused';
    default:
      throw new Error(`a command by message has no outcome for the problem ${code}`);
  }
}

const instanceOf = (type: CommandType): string => `order.${type}.v1`;
