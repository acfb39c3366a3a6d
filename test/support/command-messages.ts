/** Messages as the client library hands them over, and a port whose answers a test scripts. */
import { MESSAGE_COMMANDS } from '../../actors/index.ts';
import type { CommandMessage, CommandOutcome, CommandPort } from '../../messaging/commands/command-port.ts';
import type { Message } from '../../messaging/commands/read-command.ts';

const JSON_TYPE = 'application/json';
export const ROUTING_KEYS: ReadonlySet<string> = new Set(MESSAGE_COMMANDS.map(({ routingKey }) => routingKey));

/** A good one; `changes` replace its properties. */
export function commandMessage(changes: Partial<Message> = {}): Message {
  return {
    exchange: 'orders.commands',
    routingKey: 'order.cancel.v1',
    messageId: 'm-1',
    appId: 'shop',
    contentType: JSON_TYPE,
    body: { orderId: '019bc186-de00-7a9a-b202-e3cce335a4d4', reason: 'r' },
    ...changes,
  };
}

export function failure(kind: 'refused' | 'retry' | 'not_yet' | 'invalid', code: string): CommandOutcome {
  return { kind, problem: { code, detail: `because of ${code}` } };
}

/** Answers each command with the next of its outcomes, and the last one from then on. */
export class ScriptedCommands implements CommandPort {
  readonly routingKeys: ReadonlySet<string> = ROUTING_KEYS;
  readonly performed: CommandMessage[] = [];
  readonly #outcomes: (CommandOutcome | Error)[];

  constructor(...outcomes: (CommandOutcome | Error)[]) {
    this.#outcomes = outcomes;
  }

  perform(command: CommandMessage): Promise<CommandOutcome> {
    this.performed.push(command);
    const outcome = this.#outcomes.length > 1 ? this.#outcomes.shift() : this.#outcomes[0];
    if (outcome === undefined || outcome instanceof Error) return Promise.reject(outcome ?? new Error('no outcome'));
    return Promise.resolve(outcome);
  }

  describe({ code, detail }: Parameters<CommandPort['describe']>[0]) {
    return { code, detail };
  }
}
