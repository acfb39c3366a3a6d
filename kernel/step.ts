/**
 * Steps of a saga: what an entity wants of others while its state says so. The shell sends a step once the commit that
 * makes it due is durable, again until it is answered, and concludes it with a command of the entity itself.
 *
 *   state --when--> due --command or call sent, answered--> conclude --own command--> next state, where `when` is false
 */
import type { Effect, OutsideCall, Refusal, Until } from './decider.ts';

/** A step as a decider holds it: without the types of what it sends. */
export interface Step<State, Command> {
  readonly key: string;
  readonly when: (state: State) => boolean;
  /** @param commandId of the entity's kind and the key. */
  readonly effect: (state: State, commandId: string) => Effect;
  readonly conclude: (value: unknown) => Command;
  /** Absent: the receiver refuses no such step, and a refusal is corruption. */
  readonly refused?: ((refusal: Refusal) => Command) | undefined;
}

interface AnyStep<State, Due extends State> {
  /** Names the step within its entity. Part of stored command ids, so it never changes. */
  readonly key: string;
  /** Whether the step is due. Asked at each row of the entity: allocates nothing. */
  readonly when: (state: State) => state is Due;
}

/** Sends a command to another entity, which knows it again by its id. */
interface SendStep<State, Due extends State, Command, Answer> extends AnyStep<State, Due> {
  /** The receiver's entity id. */
  readonly to: (state: Due) => string;
  readonly command: (state: Due) => { readonly type: string };
  /** When the receiver answers: once its decision is durable, or once it has nothing outstanding. */
  readonly until: Until;
  /** The entity's own command that records the receiver's answer. */
  readonly conclude: (answer: Answer) => Command;
  /** The entity's own command that records a refusal. Absent: the receiver refuses no such step. */
  readonly refused?: (refusal: Refusal) => Command;
}

/** Calls a port to the outside, which knows the call again by its idempotency key. */
interface CallStep<State, Due extends State, Command, Outcome> extends AnyStep<State, Due> {
  readonly port: string;
  readonly call: (state: Due) => OutsideCall;
  /** The entity's own command that records the outcome, which may be `LAPSED`. */
  readonly conclude: (outcome: Outcome) => Command;
}

export function step<State, Due extends State, Command, Answer>(
  definition: SendStep<State, Due, Command, Answer>,
): Step<State, Command> {
  const { key, when, to, command, until, conclude, refused } = definition;
  return {
    key,
    when,
    effect: (state, commandId) => {
      const due = state as Due;
      return { kind: 'send', key, to: to(due), commandId, command: command(due), until };
    },
    conclude: (value) => conclude(value as Answer),
    refused,
  };
}

export function callStep<State, Due extends State, Command, Outcome>(
  definition: CallStep<State, Due, Command, Outcome>,
): Step<State, Command> {
  const { key, when, port, call, conclude } = definition;
  return {
    key,
    when,
    effect: (state) => ({ kind: 'call', key, port, call: call(state as Due) }),
    conclude: (value) => conclude(value as Outcome),
  };
}
