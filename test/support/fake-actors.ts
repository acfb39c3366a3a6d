/**
 * A world of actors in one map, for tests of what lies above the actors: the real deciders, run one command at a time
 * and without time passing. Nothing is stored, nothing is sharded. Faults are scripted: an ask can be made to fail, or
 * to take effect and have its answer lost, and the payment provider can be silent.
 *
 * An ask until 'durable' answers before the order's own work goes on, one until 'settled' after it. What would be
 * waiting for a silent provider fails at once, as if its time had run out.
 */
import type { Actors, Answer, Ask, CommandSource, Origin } from '../../runtime/ask.ts';
import type { EntityType } from '../../runtime/entity/entity-type.ts';
import type { Kinds } from '../../runtime/kinds.ts';
import { judged } from '../../runtime/precondition.ts';
import { KINDS } from '../../actors/index.ts';
import type { Effect, GatherAnswer, Refusal } from '../../kernel/decider.ts';
import type { PlacedOrder } from '../../actors/order/order.ts';
import type { ProviderCall, ProviderOutcome } from '../../actors/payment/payment.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { FailureCode } from '../../kernel/errors.ts';
import type { OrderListFilter } from '../../actors/order/order-list.ts';
import type { EntityHistories, JournalRow } from '../../persistence/ports.ts';
import type { ViewReads } from '../../persistence/view-definition.ts';
import { listedOrders } from './in-memory-read-models.ts';

interface Command {
  readonly type: string;
}

interface Entity {
  readonly type: EntityType;
  state: unknown;
  version: number;
  origin: Origin;
  /** Fingerprints by the ids of the commands that were applied. */
  readonly applied: Map<string, string | undefined>;
}

interface Fault {
  readonly matches: (ask: Ask) => boolean;
  readonly code: FailureCode;
  readonly takesEffect: boolean;
}

type Outcome =
  { readonly kind: 'done'; readonly replayed: boolean } | { readonly kind: 'rejected'; readonly refusal: Refusal };

export class FakeActors implements Actors {
  /** Every ask that came from outside, in order. */
  readonly asks: Ask[] = [];
  /** While true the provider answers nothing. */
  providerIsSilent = false;
  readonly #clock: Clock;
  readonly #kinds: Kinds;
  readonly #entities = new Map<string, Entity>();
  readonly #faults: Fault[] = [];
  readonly #settling = new Set<string>();
  #rows = 0;
  readonly #journal: JournalRow[] = [];

  constructor(clock: Clock, kinds: Kinds = KINDS) {
    this.#clock = clock;
    this.#kinds = kinds;
  }

  /** The next ask that `matches` fails with `code` and does nothing. */
  failNext(code: FailureCode, matches: (ask: Ask) => boolean = () => true): void {
    this.#faults.push({ matches, code, takesEffect: false });
  }

  /** The next ask that `matches` is done, but its asker hears `outcome_unknown`. */
  loseNextAnswer(matches: (ask: Ask) => boolean = () => true): void {
    this.#faults.push({ matches, code: 'outcome_unknown', takesEffect: true });
  }

  ask(ask: Ask): Promise<Answer> {
    this.asks.push(ask);
    const index = this.#faults.findIndex(({ matches }) => matches(ask));
    const [fault] = index < 0 ? [] : this.#faults.splice(index, 1);
    if (fault !== undefined && !fault.takesEffect) return Promise.resolve(failed(fault.code));
    const answer = this.#handle(ask);
    return Promise.resolve(fault === undefined ? answer : failed(fault.code));
  }

  /** The provider answers again, and everything that waited goes on. */
  resumeProvider(): void {
    this.providerIsSilent = false;
    for (const entityId of this.#entities.keys()) this.#settle(entityId);
  }

  /** All orders as their view would show them, without its delay. */
  readonly views: ViewReads = {
    list: <Filter, Row>(_list: unknown, filter: Filter) => {
      const orders = [...this.#entities.values()]
        .filter(({ type, state }) => type.kind === 'order' && type.decider.exists(state))
        .map(({ state, version, origin }) => ({ state: state as PlacedOrder, version, origin }));
      return Promise.resolve(listedOrders(orders, filter as OrderListFilter) as Row[]);
    },
  };

  /** The rows that the journal would have of each entity. */
  readonly histories: EntityHistories = {
    readHistory: (entityId, fromVersion, limit) => {
      const rows = this.#journal.filter((row) => row.entityId === entityId && row.version >= fromVersion);
      return Promise.resolve(rows.filter(({ events }) => events !== '[]').slice(0, limit));
    },
  };

  #handle({ to, command, commandId, fingerprint, condition, by, until }: Omit<Ask, 'timeoutMs'>): Answer {
    const entity = this.#entityOf(to);
    const outcome: Outcome =
      command === undefined
        ? { kind: 'done', replayed: false }
        : this.#apply(to, entity, command, { commandId, fingerprint, condition, by });
    if (outcome.kind === 'rejected') return outcome;
    if (until === 'settled') this.#settle(to);
    if (until === 'settled' && !entity.type.decider.isAtRest(entity.state)) return failed('outcome_unknown');
    const value = entity.type.decider.answer(entity.state, command);
    const { version, origin } = entity;
    if (until === 'durable') this.#settle(to);
    return { kind: 'done', value, replayed: outcome.replayed, version, origin };
  }

  #apply(
    entityId: string,
    entity: Entity,
    command: Command,
    { commandId, fingerprint, condition, by }: CommandSource,
  ): Outcome {
    // An entity recognises the command that makes it by its own means, as an order does by the hash of the body.
    if (entity.applied.has(commandId) && (fingerprint !== undefined || command.type !== entity.type.beginsWith)) {
      if (entity.applied.get(commandId) === fingerprint) return { kind: 'done', replayed: true };
      return { kind: 'rejected', refusal: { code: 'idempotency_mismatch' } };
    }
    const { type } = entity;
    const { decider } = type;
    const at = this.#clock.nowMs();
    let decision: ReturnType<EntityType['decider']['decide']> = decider.decide(entity.state, command, at);
    const answers: GatherAnswer[] = [];
    while (decision.kind === 'gather') {
      answers.push(...decision.asks.map((effect) => this.#answerTo(effect)));
      decision = decider.decide(entity.state, command, at, answers);
    }
    if (condition !== undefined) {
      const version = decider.exists(entity.state) ? entity.version : undefined;
      decision = judged(decision, condition, command.type === type.beginsWith, version);
    }
    if (decision.kind === 'rejected') return decision;
    if (decision.kind === 'already_done' && !fingerprint) return { kind: 'done', replayed: true };
    for (const event of decision.kind === 'accepted' ? decision.events : [])
      entity.state = decider.evolve(entity.state, event, at);
    entity.version += 1;
    this.#rows += 1;
    if (entity.version === 1) entity.origin = { shard: this.#rows % 4, seq: this.#rows };
    this.#journal.push({
      ...{ shard: entity.origin.shard, seq: this.#rows, epoch: 1, wakeAt: null, at },
      ...{ entityId, version: entity.version, commandId, meta: by === undefined ? null : { by } },
      events: JSON.stringify(decision.kind === 'accepted' ? decision.events : []),
    });
    entity.applied.set(commandId, fingerprint);
    return { kind: 'done', replayed: false };
  }

  /** Runs what is outstanding until nothing is, or only a silent provider could go on. */
  #settle(entityId: string): void {
    if (this.#settling.has(entityId)) return;
    this.#settling.add(entityId);
    const entity = this.#entityOf(entityId);
    const { decider } = entity.type;
    let before: number;
    do {
      before = entity.version;
      for (const effect of decider.outstanding(entity.state)) {
        if (!this.#canBeAnswered(effect)) continue;
        const command = decider.conclude(effect, this.#answerTo(effect));
        this.#apply(entityId, entity, command, { commandId: `${effect.key}@${entity.version}` });
      }
    } while (entity.version > before);
    this.#settling.delete(entityId);
  }

  /** Gives an effect to its receiver, and tells whether the answer that it wants can come now. */
  #canBeAnswered(effect: Effect): boolean {
    if (effect.kind === 'call') return !this.providerIsSilent;
    const receiver = this.#entityOf(effect.to);
    this.#apply(effect.to, receiver, effect.command as Command, { commandId: effect.commandId });
    this.#settle(effect.to);
    return effect.until === 'durable' || receiver.type.decider.isAtRest(receiver.state);
  }

  #answerTo(effect: Effect): GatherAnswer {
    if (effect.kind === 'call') return { kind: 'done', value: providerOutcome(effect.call as ProviderCall) };
    const answer = this.#handle({ ...effect, command: effect.command as Command });
    if (answer.kind === 'failed') throw new Error(`${effect.commandId} failed: ${answer.code}`);
    return answer;
  }

  #entityOf(entityId: string): Entity {
    let entity = this.#entities.get(entityId);
    if (entity === undefined) {
      const type = this.#kinds.of(entityId);
      entity = {
        type,
        state: type.decider.initial(entityId),
        version: 0,
        origin: { shard: 0, seq: 0 },
        applied: new Map(),
      };
      this.#entities.set(entityId, entity);
    }
    return entity;
  }
}

function failed(code: FailureCode): Answer {
  return { kind: 'failed', code, detail: 'scripted' };
}

function providerOutcome({ step, method, idempotencyKey }: ProviderCall): ProviderOutcome {
  if (step === 'authorize' && method.token === 'tok_decline') return { kind: 'refused', code: 'card_declined' };
  if (step === 'capture' && method.token === 'tok_capture_fail') return { kind: 'refused', code: 'capture_refused' };
  return { kind: 'approved', reference: idempotencyKey };
}
