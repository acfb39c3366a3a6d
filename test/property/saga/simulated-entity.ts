/**
 * One entity as the shell runs it, without a process: decides on its tentative state, replies and sends effects only
 * after the commit, gathers in memory only, and after a crash knows nothing but its committed rows.
 *
 * It is harder on the deciders than the shell may be: an effect's answer is concluded however old it is.
 */
import { isDeepStrictEqual } from 'node:util';
import { LAPSED, type Effect, type GatherAnswer, type Send, type Until } from '../../../kernel/decider.ts';
import type { EpochMs } from '../../../kernel/clock.ts';
import { invariant } from '../../../kernel/invariant.ts';
import type {
  AnyDecider,
  Command,
  CommittedRow,
  EntityHost,
  Gather,
  Reply,
  TentativeRow,
  Waiter,
} from './entity-host.ts';
import type { GatherSlot } from './messages.ts';

const NOBODY: Reply = () => undefined;

export class SimulatedEntity {
  readonly entityId: string;
  readonly decider: AnyDecider;
  readonly committed: CommittedRow[] = [];
  readonly #host: EntityHost;
  #tentative: TentativeRow[] = [];
  #live: unknown;
  #durable: unknown;
  #outstanding: readonly Effect[] = [];
  /** Effects by the command ids of their conclusions: an effect that is concluded and wanted again is sent again. */
  readonly #concluded = new Map<string, string>();
  #waiters: Waiter[] = [];
  #gather: Gather | undefined;
  /** The worker's clock, against the world's. */
  #clockOffsetMs = 0;

  constructor(entityId: string, decider: AnyDecider, host: EntityHost) {
    this.entityId = entityId;
    this.decider = decider;
    this.#host = host;
    this.#live = decider.initial(entityId);
    this.#durable = this.#live;
  }

  get live(): unknown {
    return this.#live;
  }
  get tentativeRows(): number {
    return this.#tentative.length;
  }
  get settled(): boolean {
    return this.#tentative.length === 0 && !this.#gather && this.#outstanding.length === 0;
  }
  get at(): EpochMs {
    return this.#host.now() + this.#clockOffsetMs;
  }

  /** A command from anywhere; `reply` is called at most once, and never after a crash. */
  receive(command: Command, commandId: string, until: Until, reply: Reply = NOBODY): void {
    if (this.#host.remembersCommandIds && this.#knows(commandId)) return this.#replyDone(command, until, reply);
    if (this.#gather?.commandId === commandId) {
      this.#gather.waiting.push({ until, reply });
      return;
    }
    this.#decide(command, commandId, [{ until, reply }], undefined);
  }

  /** An answer to an effect of this entity, or to an ask of its gather. */
  answered(effect: Effect, answer: GatherAnswer, slot: GatherSlot | undefined): void {
    if (!slot) {
      const commandId = `${effect.key}@${this.#host.nextId()}`;
      this.#concluded.set(commandId, effect.key);
      this.receive(this.decider.conclude(effect, answer), commandId, 'durable');
      return;
    }
    const running = this.#gather;
    if (running?.gatherId !== slot.gatherId || running.answers.has(slot.index)) return;
    running.answers.set(slot.index, answer);
    if (running.answers.size < running.asks.length) return;
    this.#gather = undefined;
    const round = running.asks.map((_ask, index) => running.answers.get(index) as GatherAnswer);
    this.#decide(running.command, running.commandId, running.waiting, [...running.earlier, ...round]);
  }

  /** The first `rows` tentative rows become durable; what they justify leaves. */
  commit(rows: number): void {
    if (rows === 0) return;
    const before = new Set(this.#outstanding.map(({ key }) => key));
    for (const { commandId } of this.#makeDurable(rows)) before.delete(this.#concluded.get(commandId) ?? '');
    this.#outstanding = this.decider.outstanding(this.#durable);
    for (const effect of this.#outstanding) if (!before.has(effect.key)) this.#sendEffect(effect);
    this.#answerWaiters();
  }

  /** Dies with `rows` of its tentative rows committed, though it never hears so; recovers on another worker. */
  crash(rows: number, clockOffsetMs: number, snapshotAfterRows: number): void {
    this.#makeDurable(rows);
    this.#tentative = [];
    this.#waiters = [];
    this.#gather = undefined;
    this.#clockOffsetMs = clockOffsetMs;
    this.#live = this.#recovered(snapshotAfterRows);
    this.#durable = this.#live;
    this.#outstanding = this.decider.outstanding(this.#durable);
    this.#outstanding.forEach((effect) => this.#sendEffect(effect));
  }

  /** The timer of unanswered effects and asks. */
  resend(): void {
    this.#outstanding.forEach((effect) => this.#sendEffect(effect));
    const gather = this.#gather;
    if (gather) gather.asks.forEach((_ask, index) => !gather.answers.has(index) && this.#sendAsk(gather, index));
  }

  wakeUp(): void {
    const due = this.decider.onDeadline(this.#live);
    if (due) this.receive(due, `wake-up-${this.#host.nextId()}`, 'durable');
  }

  /** Invariant 3. @throws where the live state is not the fold of the committed rows. */
  assertLiveIsFold(): void {
    const folded = this.#recovered(0);
    invariant(isDeepStrictEqual(folded, this.#live), `${this.entityId}: live state is the fold of its rows`);
  }

  #decide(
    command: Command,
    commandId: string,
    waiting: Gather['waiting'],
    answers: readonly GatherAnswer[] | undefined,
  ): void {
    const { at } = this;
    const decision = this.decider.decide(this.#live, command, at, answers);
    const outcome = decision.kind === 'accepted' ? decision.events.map(({ type }) => type).join(', ') : decision.kind;
    this.#host.trace(`  ${this.entityId} ${command.type} -> ${outcome}`);
    switch (decision.kind) {
      case 'accepted': {
        this.#gather = undefined;
        for (const event of decision.events) this.#live = this.decider.evolve(this.#live, event, at);
        this.#tentative.push({ commandId, events: decision.events, at, stateAfter: this.#live });
        for (const { until, reply } of waiting) this.#replyDone(command, until, reply);
        return;
      }
      case 'already_done':
        for (const { until, reply } of waiting) this.#replyDone(command, until, reply);
        return;
      case 'rejected':
        for (const { reply } of waiting)
          this.#replyAfterCommit(command, 'durable', { kind: 'rejected', refusal: decision.refusal }, reply);
        return;
      case 'gather': {
        const gatherId = this.#host.nextId();
        const gather = {
          gatherId,
          command,
          commandId,
          waiting,
          earlier: answers ?? [],
          asks: decision.asks,
          answers: new Map(),
        };
        this.#gather = gather;
        decision.asks.forEach((_ask, index) => this.#sendAsk(gather, index));
      }
    }
  }

  #replyDone(command: Command, until: Until, reply: Reply): void {
    const value = this.decider.answer(this.#live, command);
    this.#replyAfterCommit(command, until, { kind: 'done', value }, reply);
  }

  #replyAfterCommit(command: Command, until: Until, answer: GatherAnswer, reply: Reply): void {
    this.#waiters.push({ rows: this.committed.length + this.#tentative.length, until, command, answer, reply });
    this.#answerWaiters();
  }

  #answerWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      const { rows, until, command, answer, reply } = waiter;
      const durable = rows <= this.committed.length;
      if (!durable || (until === 'settled' && !this.decider.isAtRest(this.#durable))) this.#waiters.push(waiter);
      else if (until === 'settled') reply({ kind: 'done', value: this.decider.answer(this.#durable, command) });
      else reply(answer);
    }
  }

  #makeDurable(rows: number): readonly CommittedRow[] {
    const durable = this.#tentative.splice(0, rows);
    for (const { stateAfter, ...row } of durable) {
      this.committed.push(row);
      this.#durable = stateAfter;
    }
    return durable;
  }

  #recovered(snapshotAfterRows: number): unknown {
    let state = this.decider.initial(this.entityId);
    this.committed.forEach(({ events, at }, index) => {
      const { snapshot } = this.decider;
      if (snapshot && index > 0 && index === snapshotAfterRows) {
        state = snapshot.decode(JSON.parse(JSON.stringify(snapshot.encode(state))), this.entityId);
      }
      for (const event of events) state = this.decider.evolve(state, event, at);
    });
    return state;
  }

  #knows(commandId: string): boolean {
    const isIt = (row: CommittedRow): boolean => row.commandId === commandId;
    return this.committed.some(isIt) || this.#tentative.some(isIt);
  }

  #sendEffect(effect: Effect): void {
    const { entityId: from } = this;
    if (effect.kind === 'send') return this.#host.send({ kind: 'ask', from, to: effect.to, effect });
    const { port, call } = effect;
    if (this.at <= call.notAfter) return this.#host.send({ kind: 'call', from, to: port, effect });
    this.#host.send({ kind: 'answer', from: port, to: from, effect, answer: { kind: 'done', value: LAPSED } });
  }

  #sendAsk({ gatherId, asks }: Gather, index: number): void {
    const effect = asks[index] as Send;
    this.#host.send({ kind: 'ask', from: this.entityId, to: effect.to, effect, slot: { gatherId, index } });
  }
}
