/**
 * What a command by message is, as data: its routing key, what its body is, and how it is performed. Each kind of actor
 * brings its own; perform-messages.ts gives all of them what they have in common.
 */
import type { z } from 'zod';
import type { Principal } from './authenticator.ts';
import type { CommandSource } from './command-source.ts';
import type { EdgeServices } from './edge-services.ts';
import type { KeyedCommandName } from './idempotency.ts';
import type { Problem } from './problems.ts';

/** What the edge makes of a message before it is performed. */
export interface ReceivedCommand {
  /** Its texts are screened; the schema is the command's to check. */
  readonly body: unknown;
  /** The sender, who is trusted as staff: the broker's permissions say who may send commands. */
  readonly principal: Principal;
  readonly source: CommandSource;
  /** A UUID that no other message comes out as, the same at each sending. */
  readonly id: string;
  /**
   * Claims the message's id for this command, because the id of a message is one command's, whatever entity that is for.
   * Not for the command that makes the entity with the UUID `id`: that entity keeps the claims.
   *
   * @param target the command and its entity. Its text is part of stored fingerprints.
   * @throws Problem idempotency_mismatch; overloaded, unavailable, outcome_unknown.
   */
  readonly claimFor: (target: string, body: unknown) => Promise<KeyedCommandName>;
}

export interface PerformedCommand {
  /** For the log. */
  readonly entityId: string;
  /** What the sender hears beside `ok`. */
  readonly answer: Readonly<Record<string, unknown>>;
}

export interface MessageCommand {
  /** A name, then `.v` and the version; unique. */
  readonly routingKey: string;
  /** What it does, and what its sender must know. */
  readonly summary: string;
  readonly body: z.ZodObject;
  /** Called once for each edge. What it returns answers after the commit, and throws a Problem where it is refused. */
  readonly perform: (services: EdgeServices) => (command: ReceivedCommand) => Promise<PerformedCommand>;
  /** The refusal would not stay true: the entity is on its way to where the command is permitted. */
  readonly comesEarly?: (problem: Problem) => boolean;
}

export function defineMessageCommand(definition: MessageCommand): MessageCommand {
  return definition;
}

/** What callers of a command by message call its key, see AskContext. */
export const MESSAGE_KEY_NAME = 'message-id';
