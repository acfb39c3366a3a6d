/**
 * The port through which messages become commands. The edge serves it, with the rules and the problems of HTTP; messaging
 * knows neither, and of commands only their routing keys.
 */
import type { Sender } from './sender.ts';

/** A message that may become a command. */
export interface CommandMessage {
  /** The command and its version, such as `order.place.v1`: one of `routingKeys` below. */
  readonly routingKey: string;
  /** Parsed JSON of bounded size and depth; its texts are not looked at. */
  readonly body: unknown;
  readonly sender: Sender;
  /** The command's id, the same at each sending: 1 to 255 printable ASCII characters. */
  readonly messageId: string;
  /** For whom the sender acts, as it says. */
  readonly onBehalfOf?: string;
  /** The trace that it belongs to (W3C). */
  readonly traceparent?: string;
}

/** A problem document (RFC 9457) of the HTTP contract. */
export interface ProblemDocument extends Readonly<Record<string, unknown>> {
  /** Stable. */
  readonly code: string;
  readonly detail: string;
}

export type CommandOutcome =
  /** Committed. `answer`: what its sender hears. */
  | { readonly kind: 'done'; readonly answer: Readonly<Record<string, unknown>> }
  /** A rule said no, for good: that is an answer. */
  | { readonly kind: 'refused'; readonly problem: ProblemDocument }
  /** Nothing was applied, or it is not known: the same command may be sent again. */
  | { readonly kind: 'retry'; readonly problem: ProblemDocument }
  /** There is no such thing, or it is not that far: the command before this one may still be on its way. */
  | { readonly kind: 'not_yet'; readonly problem: ProblemDocument }
  /** It can never succeed. */
  | { readonly kind: 'invalid'; readonly problem: ProblemDocument };

/** What is wrong with a message that never became a command. */
export interface CommandFault {
  readonly code: 'malformed_json' | 'payload_too_large' | 'unsupported_media_type' | 'validation_failed' | 'internal';
  /** A sentence for the sender; never quotes the body. */
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
}

export interface CommandPort {
  /** Of all commands: a name, then `.v` and the version. */
  readonly routingKeys: ReadonlySet<string>;
  /** Answers after the commit. Rejects for a defect only; what was applied is not known then. */
  perform(message: CommandMessage): Promise<CommandOutcome>;
  /** @param context.messageId empty where there is none. @param context.instance the routing key. */
  describe(fault: CommandFault, context: { readonly messageId: string; readonly instance: string }): ProblemDocument;
}
