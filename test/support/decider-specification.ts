/**
 * Given what happened, when a command comes, then this is decided: the one form of every decider's tests. What a
 * decision accepts is folded at once, so a decider can't accept what it would later refuse to read.
 */
import { expect } from 'chai';
import type { Decider, Decision, DomainEvent, GatherAnswer, Refusal, Send } from '../../kernel/decider.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import type { EpochMs } from '../../kernel/clock.ts';

/** The time at which everything in a specification happens, where it says nothing else. */
export const NOW: EpochMs = 1_700_000_000_000;

export interface When {
  readonly at?: EpochMs;
  readonly answers?: readonly GatherAnswer[];
}

export interface Decided<State, Event extends DomainEvent, R extends Refusal> {
  readonly decision: Decision<Event, R>;
  /** After what was accepted; unchanged otherwise. */
  readonly state: State;
  /** One word for tables: the accepted events' types, the refusal's code, 'already_done' or 'gather'. */
  readonly outcome: string;
  accepts(...events: Event[]): void;
  isAlreadyDone(): void;
  rejects(refusal: R): void;
  /** Compares where the asks go and what they say. */
  gathers(...asks: (readonly [to: string, command: unknown])[]): void;
}

export interface Given<State, Command, Event extends DomainEvent, R extends Refusal> {
  readonly state: State;
  when(command: Command, options?: When): Decided<State, Event, R>;
  /** @throws AssertionError where `event` can follow. */
  refusesToEvolve(event: Event, at?: EpochMs): void;
}

/** A fresh fold for every `given`: some states are changed in place. */
export function specify<State, Command extends { readonly type: string }, Event extends DomainEvent, R extends Refusal>(
  decider: Decider<State, Command, Event, R>,
  entityId: string,
): (...events: readonly Event[]) => Given<State, Command, Event, R> {
  const fold = (from: State, events: readonly Event[], at: EpochMs): State =>
    events.reduce((state, event) => decider.evolve(state, event, at), from);
  return (...events) => {
    const state = fold(decider.initial(entityId), events, NOW);
    return {
      state,
      when(command, { at = NOW, answers } = {}) {
        const decision = decider.decide(state, command, at, answers);
        const after = decision.kind === 'accepted' ? fold(state, decision.events, at) : state;
        return { decision, state: after, outcome: outcomeOf(decision), ...expectations(decision) };
      },
      refusesToEvolve(event, at = NOW) {
        expect(() => decider.evolve(state, event, at), event.type).to.throw(CorruptionError, event.type);
      },
    };
  };
}

/** Every pair of a history and an event: `follows` lists what may follow, everything else must be refused. */
export function itFollowsOnly<State, Command, Event extends DomainEvent, R extends Refusal>(
  given: (...events: readonly Event[]) => Given<State, Command, Event, R>,
  evolve: (state: State, event: Event, at: EpochMs) => State,
  samples: readonly Event[],
  histories: readonly (readonly [name: string, history: readonly Event[], follows: readonly Event['type'][]])[],
): void {
  for (const [name, history, follows] of histories) {
    for (const event of samples) {
      if (follows.includes(event.type)) {
        it(`${name}: ${event.type} may follow`, () => {
          expect(() => evolve(given(...history).state, event, NOW)).not.to.throw();
        });
      } else {
        it(`${name}: ${event.type} is refused`, () => given(...history).refusesToEvolve(event));
      }
    }
  }
}

/** Every pair of a history and a command, by one word for each outcome (see `Decided.outcome`). */
export function itDecides<State, Command, Event extends DomainEvent, R extends Refusal, Name extends string>(
  given: (...events: readonly Event[]) => Given<State, Command, Event, R>,
  commands: Readonly<Record<Name, Command>>,
  histories: readonly (readonly [name: string, history: readonly Event[], outcomes: Readonly<Record<Name, string>>])[],
  options?: When,
): void {
  for (const [name, history, outcomes] of histories) {
    for (const [command, outcome] of Object.entries<string>(outcomes)) {
      it(`${name}: ${command} -> ${outcome}`, () => {
        expect(given(...history).when(commands[command as Name], options).outcome).to.equal(outcome);
      });
    }
  }
}

function outcomeOf(decision: Decision<DomainEvent, Refusal>): string {
  if (decision.kind === 'accepted') return decision.events.map(({ type }) => type).join(' ');
  return decision.kind === 'rejected' ? decision.refusal.code : decision.kind;
}

function expectations<Event extends DomainEvent, R extends Refusal>(decision: Decision<Event, R>) {
  return {
    accepts: (...events: Event[]): void => void expect(decision).to.deep.equal({ kind: 'accepted', events }),
    isAlreadyDone: (): void => void expect(decision).to.deep.equal({ kind: 'already_done' }),
    rejects: (refusal: R): void => void expect(decision).to.deep.equal({ kind: 'rejected', refusal }),
    gathers(...asks: (readonly [to: string, command: unknown])[]): void {
      const asked: readonly Send[] = decision.kind === 'gather' ? decision.asks : [];
      expect(decision.kind).to.equal('gather');
      expect(asked.map(({ to, command }) => [to, command])).to.deep.equal(asks);
    },
  };
}
