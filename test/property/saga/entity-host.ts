/** What a simulated entity keeps while it lives, and what the world gives it. */
import type { Decider, DomainEvent, GatherAnswer, Refusal, Send, Until } from '../../../kernel/decider.ts';
import type { EpochMs } from '../../../kernel/clock.ts';
import type { SendMessage } from './messages.ts';

export type Command = { readonly type: string };
export type AnyDecider = Decider<unknown, Command, DomainEvent, Refusal>;
export interface CommittedRow {
  readonly commandId: string;
  readonly events: readonly DomainEvent[];
  readonly at: EpochMs;
}

export type Reply = (answer: GatherAnswer) => void;
export interface TentativeRow extends CommittedRow {
  readonly stateAfter: unknown;
}
export interface Waiter {
  /** Rows that must be committed before the answer may leave. */
  readonly rows: number;
  readonly until: Until;
  readonly command: Command;
  /** What the decision saw; a settled answer is read again. */
  readonly answer: GatherAnswer;
  readonly reply: Reply;
}
export interface Gather {
  readonly gatherId: number;
  readonly command: Command;
  readonly commandId: string;
  readonly waiting: { readonly until: Until; readonly reply: Reply }[];
  readonly earlier: readonly GatherAnswer[];
  readonly asks: readonly Send[];
  readonly answers: Map<number, GatherAnswer>;
}

export interface EntityHost {
  now(): EpochMs;
  readonly send: SendMessage;
  readonly trace: (line: string) => void;
  /** True: a command id whose row is known is answered without asking the decider. */
  readonly remembersCommandIds: boolean;
  nextId(): number;
}
