/**
 * Makes a decider of its parts. What waits on others is derived from the list of steps, so a step can't be sent and not
 * concluded, or be due in one place and not in another.
 */
import type { EpochMs } from './clock.ts';
import { impossible, type Decider, type DomainEvent, type Effect, type Refusal } from './decider.ts';
import type { Step } from './step.ts';

/** Shared by all states that wait for nothing. */
const NOTHING: readonly Effect[] = [];

export interface DeciderParts<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
> extends Pick<
  Decider<State, Command, Event, R>,
  'kind' | 'initial' | 'decide' | 'evolve' | 'answer' | 'exists' | 'snapshot'
> {
  /** In the order in which they are sent. Absent: the kind never waits. */
  readonly steps?: readonly Step<State, Command>[];
  /** Absent: the kind does nothing by itself when time passes. */
  readonly deadline?: {
    /** When a person's time runs out; undefined while no deadline runs. */
    readonly at: (state: State) => EpochMs | undefined;
    /** Due once it has passed. */
    readonly command: Command;
  };
}

/** @throws Error when two steps have the same key. */
export function defineDecider<
  State,
  Command extends { readonly type: string },
  Event extends DomainEvent,
  R extends Refusal,
>({ steps = [], deadline, ...parts }: DeciderParts<State, Command, Event, R>): Decider<State, Command, Event, R> {
  const { kind } = parts;
  const keys = steps.map(({ key }) => key);
  if (new Set(keys).size < keys.length) throw new Error(`${kind}: two steps have the same key: ${keys.join(', ')}`);
  const commandIds = keys.map((key) => `${kind}/${key}`);
  return {
    ...parts,
    outstanding: (state) => {
      let effects = NOTHING;
      for (let index = 0; index < steps.length; index++) {
        const step = steps[index]!;
        if (!step.when(state)) continue;
        const effect = step.effect(state, commandIds[index]!);
        effects = effects === NOTHING ? [effect] : [...effects, effect];
      }
      return effects;
    },
    isAtRest: (state) => {
      for (let index = 0; index < steps.length; index++) if (steps[index]!.when(state)) return false;
      return true;
    },
    conclude: ({ key }, answer) => {
      const step = steps[keys.indexOf(key)];
      if (!step) return impossible(kind, 'any state', { type: `an answer to ${key}` });
      if (answer.kind === 'done') return step.conclude(answer.value);
      return step.refused?.(answer.refusal) ?? impossible(kind, key, { type: `refused: ${answer.refusal.code}` });
    },
    deadline: (state) => deadline?.at(state),
    onDeadline: (state) => (deadline?.at(state) === undefined ? undefined : deadline.command),
  };
}
