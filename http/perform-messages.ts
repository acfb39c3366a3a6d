/**
 * Owns the way of all commands by message: the screening, rules and problems of HTTP. What is said here about an outcome
 * decides whether a message is answered, sent again or put aside, so an unknown case is thrown and never guessed.
 */
import type { CommandMessage, CommandPort } from '../messaging/commands/command-port.ts';
import type { CausedBy } from '../persistence/ports.ts';
import { claimId } from './claim-id.ts';
import type { CommandSource } from './command-source.ts';
import type { EdgeServices } from './edge-services.ts';
import { commandNameOfMessage, idOfMessage } from './idempotency.ts';
import { MESSAGE_KEY_NAME, type MessageCommand, type ReceivedCommand } from './message-command.ts';
import { Problem, problemDocument, type MessageOutcome } from './problems.ts';
import { screenValue } from './text-screen.ts';

/** An app-id is only the sender's own word: it must not read as a user's. */
const ISSUERS = { user: 'amqp', app: 'amqp-app' } as const;
const ROUTING_KEY = /^[a-z][a-z0-9.-]*\.v[1-9]\d{0,3}$/;

/** @throws Error where a routing key is none, or is given twice. */
export function performMessages(definitions: readonly MessageCommand[], services: EdgeServices): CommandPort {
  const commands = commandsByKey(definitions, services);
  return {
    routingKeys: new Set(commands.keys()),
    async perform(message) {
      const { routingKey, messageId, sender, onBehalfOf } = message;
      const command = commands.get(routingKey);
      if (command === undefined) throw new Error(`there is no command with the routing key ${routingKey}`);
      try {
        screenValue(message.body);
        const { entityId, answer } = await command.perform(receivedCommand(services, message));
        services.log.debug({ entityId, routingKey, messageId, sender, onBehalfOf }, 'a command came by message');
        return { kind: 'done', answer };
      } catch (thrown) {
        if (!(thrown instanceof Problem)) throw thrown;
        const kind = command.comesEarly?.(thrown) === true ? 'not_yet' : outcomeOf(thrown);
        return { kind, problem: problemDocument(thrown, { requestId: messageId, instance: routingKey }) };
      }
    },
    describe({ code, detail, errors }, { messageId, instance }) {
      const problem = new Problem(code, detail, errors === undefined ? {} : { errors });
      return problemDocument(problem, { requestId: messageId, instance });
    },
  };
}

interface ReadyCommand {
  readonly perform: ReturnType<MessageCommand['perform']>;
  readonly comesEarly: MessageCommand['comesEarly'];
}

function commandsByKey(
  definitions: readonly MessageCommand[],
  services: EdgeServices,
): ReadonlyMap<string, ReadyCommand> {
  const commands = new Map<string, ReadyCommand>();
  for (const { routingKey, perform, comesEarly } of definitions) {
    if (!ROUTING_KEY.test(routingKey)) throw new Error(`"${routingKey}" is no routing key such as order.place.v1`);
    if (commands.has(routingKey)) throw new Error(`two commands by message have the routing key "${routingKey}"`);
    commands.set(routingKey, { perform: perform(services), comesEarly });
  }
  return commands;
}

function receivedCommand(services: EdgeServices, message: CommandMessage): ReceivedCommand {
  const { body, sender, messageId, traceparent } = message;
  const { name } = sender;
  const namespace = services.idempotencyNamespace;
  const source: CommandSource = { traceparent, by: causedBy(message) };
  const id = idOfMessage(namespace, sender, messageId);
  return {
    body,
    principal: { sub: name, role: 'support', issuer: ISSUERS[sender.kind], customerId: name },
    source,
    id,
    claimFor: async (target, rest) => {
      const commandName = commandNameOfMessage(namespace, sender, messageId, target, rest);
      await claimId(services, { id, fingerprint: commandName.fingerprint, keyName: MESSAGE_KEY_NAME, source });
      return commandName;
    },
  };
}

function causedBy({ sender, messageId, onBehalfOf }: CommandMessage): CausedBy {
  const { kind, name } = sender;
  const by = { channel: 'message', who: name, issuer: ISSUERS[kind], requestId: messageId } as const;
  return onBehalfOf === undefined ? by : { ...by, onBehalfOf };
}

function outcomeOf({ kind }: Problem): MessageOutcome {
  if (kind.byMessage !== undefined) return kind.byMessage;
  throw new Error(`a command by message has no outcome for the problem ${kind.code}`);
}
