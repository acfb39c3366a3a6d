/**
 * The shell around one entity's decider: recovers it, decides its commands, appends their events, answers, and sends
 * what is outstanding. The only place where decisions meet effects.
 *
 *   recovering --stored rows folded--> running --passivated, dropped--> gone
 *   recovering --can't be read--------> gone (its askers hear why)
 *   running, presumed new --has rows--> recovering (its askers wait on)
 *
 * A running entity does not wait for a commit: it decides on its tentative state (appended, not yet durable). Every
 * answer, also a refusal, an "already done" or a read, waits for the commit of the last row that its decision saw, and
 * leaves in log order. If an append fails the shell is dropped with everything tentative in it; it never resumes.
 *
 * Keeps invariants 2 (nothing leaves before the commit that justifies it), 3 (fold = live) and 8 (one outcome).
 * Its methods run in the actor's turn or in the journal's commit callback, never inside one another.
 */
import type { DomainEvent, Effect, Refusal } from '../../kernel/decider.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import { ForeignMessageError, type FailureCode } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import { encodeEvents } from '../../persistence/event-codec.ts';
import type { AppendEntry } from '../../persistence/journal.ts';
import type { AppendOutcome, CausedBy, PendingRow, RowMeta, Snapshot, StoredEntity } from '../../persistence/ports.ts';
import type { ProjectedRow } from '../../persistence/projections.ts';
import { elsewhere, failed, type Answer, type Ask, type CommandSource, type Elsewhere } from '../ask.ts';
import { Effects, type Conclusion, type EffectsOwner } from './effects.ts';
import type { EntityHost, ShardReply } from './entity-host.ts';
import type { EntityType } from './entity-type.ts';
import { judged } from '../precondition.ts';
import { foldEntity, type FoldedEntity } from './fold-entity.ts';
import { Gathering } from './gathering.ts';
import { KnownCommands } from './known-commands.ts';

/** An entity with something outstanding is woken this long after its last row, should its worker be gone by then. */
const OUTSTANDING_WAKE_MS = 5_000;
/** An entity that failed is taken up again after this long, unless a message comes first. */
const RESTART_WAKE_MS = 5_000;
/** A snapshot is worth its write after this many versions, and at most this often. */
const SNAPSHOT_VERSIONS_MIN = 500;
/** And not before the rows after the last one are as much to read as it is: a row costs about so many characters. */
const SNAPSHOT_CHARS_PER_VERSION = 200;
const SNAPSHOT_INTERVAL_MIN_MS = 10_000;
/**
 * Commands that do nothing may bind command ids that an entity never forgets, and each costs a row: a caller that sends a
 * new key with each repetition must not make the entity expensive to read.
 */
const BOUND_COMMANDS_MAX = 1_000;
/** Askers that may wait for one entity to settle. */
const SETTLE_WAITERS_MAX = 5_000;

export type ShellMessage =
  | { readonly kind: 'ask'; readonly ask: Ask; readonly reply: ShardReply }
  | { readonly kind: 'recovered'; readonly stored: StoredEntity | undefined }
  | { readonly kind: 'unreadable'; readonly code: FailureCode; readonly detail: string }
  | { readonly kind: 'concluded'; readonly conclusion: Conclusion }
  | { readonly kind: 'gathered'; readonly gathering: Gathering<Asker> }
  | { readonly kind: 'wake' };

/** Never refuses. */
export interface Mailbox {
  tell(message: ShellMessage): void;
}

/** Which entity, and where it lives. */
export interface EntityAddress {
  readonly entityId: string;
  readonly shard: number;
  readonly type: EntityType;
}

interface Asker {
  readonly ask: Ask;
  readonly reply: ShardReply;
}

/** Undefined where the command came from another version: a decider answers every command that it knows. */
type Decided = ReturnType<EntityType['decider']['decide']>;

/** An entity remembers a bounded number of command ids that did nothing. */
export interface TooManyKeys {
  readonly code: 'too_many_keys';
  readonly countMax: number;
}

/** Why an entity leaves memory while somebody waits for it. */
export type Departure =
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly detail: string }
  /** Its shard is served elsewhere, or will be under a new epoch. */
  | { readonly kind: 'elsewhere'; readonly detail: string };

/** An answer that waits for a commit. */
interface HeldAnswer {
  readonly reply: ShardReply;
  readonly value: unknown;
  readonly refusal?: Refusal;
  readonly replayed: boolean;
}

interface SettleWaiter extends Asker {
  /** The decision that the asker waits behind. */
  readonly version: number;
  readonly replayed: boolean;
}

export class EntityShell implements EffectsOwner {
  readonly entityId: string;
  readonly shard: number;
  readonly type: EntityType;
  /** Monotonic ms of the last message: for passivation. */
  lastActiveMs = 0;
  readonly #host: EntityHost;
  readonly #mailbox: Mailbox;
  readonly #effects: Effects;
  #phase: 'recovering' | 'running' | 'gone' = 'recovering';
  #known: KnownCommands;
  #state: unknown;
  #version = 0;
  #lastAt: EpochMs = 0;
  #committedVersion = 0;
  /** Of the last row: what it set off belongs to the same trace. */
  #traceparent: string | undefined;
  /** Place of the entity's first row; undefined until that is durable. */
  #firstSeq: number | undefined;
  #pending: PendingDecision[] = [];
  #stash: Asker[] = [];
  /** While the entity is only presumed to be new, all who asked: nobody is answered before its first row is durable. */
  #presuming: Asker[] | undefined;
  #wokenWhileRecovering = false;
  #settleWaiters: SettleWaiter[] = [];
  #gathering: Gathering<Asker> | undefined;
  #snapshotVersion = 0;
  #snapshotVersionsMin = SNAPSHOT_VERSIONS_MIN;
  #snapshotAtMs = -Infinity;

  /** @param mailbox takes the entity's own messages to itself. */
  constructor({ entityId, shard, type }: EntityAddress, host: EntityHost, mailbox: Mailbox) {
    this.entityId = entityId;
    this.shard = shard;
    this.type = type;
    this.#host = host;
    this.#mailbox = mailbox;
    this.#known = new KnownCommands(type.limits.knownCommandsMax);
    this.#state = type.decider.initial(entityId);
    this.#effects = new Effects(host, this);
    this.lastActiveMs = host.clock.monotonicMs();
  }

  /** Begins. `none`: the entity is known to have no rows. `presumed none`: most likely it has none. */
  start(rows: 'none' | 'presumed none' | 'unknown'): void {
    if (rows === 'unknown') {
      this.#read(true);
      return;
    }
    this.#phase = 'running';
    if (rows === 'presumed none') this.#presuming = [];
  }

  /** It was presumed to be new in vain: reads it, and asks it again for everybody. */
  #readAfterAll(): void {
    this.#phase = 'recovering';
    this.#stash = this.#presuming!;
    this.#presuming = undefined;
    this.#pending.length = 0;
    this.#settleWaiters = [];
    this.#gathering?.stop();
    this.#gathering = undefined;
    this.#state = this.type.decider.initial(this.entityId);
    this.#known = new KnownCommands(this.type.limits.knownCommandsMax);
    this.#version = 0;
    this.#lastAt = 0;
    this.#traceparent = undefined;
    this.#read(true);
  }

  #read(withSnapshot: boolean): void {
    this.#host.recover(this, withSnapshot).then(
      (stored) => this.#mailbox.tell({ kind: 'recovered', stored }),
      (error: unknown) => {
        const detail = `${this.entityId} can't be read now`;
        this.#host.log.warn({ entityId: this.entityId, err: error }, 'an entity could not be read');
        this.#mailbox.tell({ kind: 'unreadable', code: 'unavailable', detail });
      },
    );
  }

  /** It is read because something waits in it: where that fails it is woken again, without end. */
  get isWoken(): boolean {
    return this.#wokenWhileRecovering;
  }

  /** Its rows are being read. */
  get recovering(): boolean {
    return this.#phase === 'recovering';
  }

  /** Asks that wait for the recovery. */
  get stashed(): number {
    return this.#stash.length;
  }

  /** Nothing in flight in either direction: it may leave memory without losing anything. */
  get idle(): boolean {
    return (
      this.#phase === 'running' &&
      this.#pending.length === 0 &&
      this.#settleWaiters.length === 0 &&
      this.#gathering === undefined &&
      this.#effects.idle
    );
  }

  /** How long it stays in memory after its last message, where memory is not short. */
  get idleMs(): number {
    const { idleMs } = this.type.limits;
    return typeof idleMs === 'number' ? idleMs : idleMs(this.#state);
  }

  /** Rows handed to the journal and not yet answered by it. */
  get appending(): boolean {
    return this.#pending.length > 0;
  }

  handle(message: ShellMessage): void {
    this.lastActiveMs = this.#host.clock.monotonicMs();
    switch (message.kind) {
      case 'ask':
        return this.#ask(message);
      case 'recovered':
        return this.#recovered(message.stored);
      case 'unreadable':
        return this.drop({ kind: 'failed', code: message.code, detail: message.detail });
      case 'concluded':
        return this.#concluded(message.conclusion);
      case 'gathered':
        return this.#gathered(message.gathering);
      case 'wake':
        return this.#wake();
    }
  }

  /**
   * Leaves the entity after a failure: what is tentative is forgotten, and whoever still waits hears why. Idempotent.
   * The entity is woken later: its effects went with this shell, and the wake-up that stood for them may have been used.
   */
  drop(departure: Departure): void {
    if (this.#phase === 'gone') return;
    const mustGoOn = this.#phase === 'running' || this.#wokenWhileRecovering;
    this.#leave(departure);
    if (mustGoOn) this.#host.wakeAt(this.entityId, this.#host.clock.nowMs() + RESTART_WAKE_MS);
  }

  /** Leaves memory because nothing is going on; only while it is idle. */
  passivate(): void {
    invariant(this.idle, 'only an idle entity leaves memory');
    this.#leave({ kind: 'failed', code: 'unavailable', detail: 'passivated' });
  }

  #leave(departure: Departure): void {
    const { kind, detail } = departure;
    const untouched = kind === 'failed' ? failed(departure.code, detail) : elsewhere('no', detail);
    // Their own rows are durable; only how it all ended can't be told from here.
    const unsettled = kind === 'failed' ? failed('outcome_unknown', detail) : elsewhere('unknown', detail);
    this.#phase = 'gone';
    this.#effects.stop();
    this.#cancelGathering(untouched);
    for (const { reply } of this.#stash) reply(untouched);
    for (const { reply } of this.#settleWaiters) reply(unsettled);
    this.#stash = [];
    this.#settleWaiters = [];
    this.#host.gone(this);
  }

  // --- recovery -------------------------------------------------------------------------------------------------------

  /** @throws CorruptionError when the rows don't fold. */
  #recovered(stored: StoredEntity | undefined): void {
    if (this.#phase !== 'recovering') return;
    if (stored && !this.#fold(stored)) return;
    this.#phase = 'running';
    this.#host.recovered(this);
    this.#keepEffects();
    if (this.#wokenWhileRecovering) this.#wake();
    const stash = this.#stash;
    this.#stash = [];
    let asked = 0;
    try {
      for (; asked < stash.length; asked++) this.#ask(stash[asked]!);
    } catch (error) {
      this.#stash = stash.slice(asked); // the crash answers the one that it met, and all behind it
      throw error;
    }
  }

  /** False: its snapshot is no good, and the whole log is being read instead. @throws CorruptionError when the rows don't fold. */
  #fold(stored: StoredEntity): boolean {
    let folded: FoldedEntity;
    try {
      folded = foldEntity(this.type, this.entityId, this.shard, stored);
    } catch (error) {
      if (!stored.snapshot) throw error;
      this.#host.log.warn({ entityId: this.entityId, err: error }, 'a snapshot is no good; the whole log is read');
      this.#read(false);
      return false;
    }
    this.#state = folded.state;
    this.#known = folded.known;
    this.#version = folded.version;
    this.#committedVersion = folded.version;
    this.#snapshotVersion = folded.snapshotVersion;
    this.#firstSeq = folded.firstSeq;
    this.#lastAt = folded.at;
    this.#traceparent = folded.traceparent;
    return true;
  }

  // --- commands -------------------------------------------------------------------------------------------------------

  #ask(asker: Asker): void {
    if (this.#phase === 'recovering') {
      this.#stash.push(asker);
      return;
    }
    if (this.#phase === 'gone') {
      asker.reply(elsewhere('no', `${this.entityId} is leaving memory`));
      return;
    }
    this.#presuming?.push(asker);
    const { command, commandId, fingerprint } = asker.ask;
    if (!command) return this.#answerAsker(asker, false);
    const known = fingerprint === undefined ? undefined : this.#known.fingerprintOf(commandId);
    if (known === undefined) {
      this.#decide(command, asker.ask, [asker]);
    } else if (known === fingerprint) {
      this.#answerAsker(asker, true);
    } else {
      this.#hold({ reply: asker.reply, value: undefined, refusal: { code: 'idempotency_mismatch' }, replayed: false });
    }
  }

  /** @returns true when rows follow. */
  #decide(
    command: { readonly type: string },
    source: CommandSource,
    askers: readonly Asker[],
    gathering?: Gathering<Asker>,
  ): boolean {
    const running = this.#gathering;
    if (running && running !== gathering && running.source.commandId === source.commandId) {
      running.askers.push(...askers);
      return true;
    }
    const at = Math.max(this.#host.clock.nowMs(), this.#lastAt);
    let decision = this.type.decider.decide(this.#state, command, at, gathering?.answers) as Decided | undefined;
    if (source.condition !== undefined && decision) {
      const begins = command.type === this.type.beginsWith;
      decision = judged(decision, source.condition, begins, this.#existingVersion);
    }
    if (this.#presuming && this.#pending.length === 0 && decision?.kind !== 'accepted') {
      this.#readAfterAll(); // without a row of its own nothing would prove that the entity is new
      return false;
    }
    if (!decision) return this.#refuseForeign(command, askers, gathering);
    switch (decision.kind) {
      case 'accepted':
        this.#endGathering(gathering);
        this.#append(decision.events, at, command, source, askers);
        return true;
      case 'gather': {
        if (gathering) {
          gathering.round(decision.asks);
          return true;
        }
        this.#endGathering(undefined);
        const started = new Gathering<Asker>(
          this.#host,
          { command, source, askers: [...askers], entityId: this.entityId },
          () => this.#mailbox.tell({ kind: 'gathered', gathering: started }),
        );
        this.#gathering = started;
        started.round(decision.asks);
        return true;
      }
      case 'already_done':
        if (gathering) this.#endGathering(gathering);
        if (source.fingerprint) return this.#bind(at, command, source, askers);
        for (const asker of askers) this.#answerAsker(asker, true);
        return false;
      case 'rejected':
        if (gathering) this.#endGathering(gathering);
        this.#reject(decision.refusal, askers);
        return false;
    }
  }

  get #existingVersion(): number | undefined {
    return this.type.decider.exists(this.#state) ? this.#version : undefined;
  }

  #reject(refusal: Refusal, askers: readonly Asker[]): void {
    for (const { reply } of askers) this.#hold({ reply, value: undefined, refusal, replayed: false });
  }

  /** The command found its work done: all that there is to write is that its id is taken. @returns true when rows follow. */
  #bind(at: EpochMs, command: { readonly type: string }, source: CommandSource, askers: readonly Asker[]): boolean {
    if (this.type.limits.knownCommandsMax === undefined && this.#known.size >= BOUND_COMMANDS_MAX) {
      const refusal: TooManyKeys = { code: 'too_many_keys', countMax: BOUND_COMMANDS_MAX };
      this.#reject(refusal, askers);
      return false;
    }
    this.#append([], at, command, source, askers);
    return true;
  }

  /** Nothing was touched: only the message fails. */
  #refuseForeign(command: { readonly type: string }, askers: readonly Asker[], gathering?: Gathering<Asker>): false {
    const error = new ForeignMessageError(`${this.type.kind} knows no command ${command.type}`);
    this.#host.refused(this, error);
    if (gathering) this.#endGathering(gathering);
    for (const { reply } of askers) reply(failed('not_applied', error.message));
    return false;
  }

  #append(
    events: readonly DomainEvent[],
    at: EpochMs,
    command: { readonly type: string },
    { commandId, fingerprint, traceparent, by }: CommandSource,
    askers: readonly Asker[],
  ): void {
    const { decider, events: forms, view } = this.type;
    for (const event of events) this.#state = decider.evolve(this.#state, event, at);
    this.#version++;
    this.#lastAt = at;
    if (events.length > 0) this.#traceparent = traceparent;
    if (fingerprint !== undefined) this.#known.remember(commandId, fingerprint);
    const effects = decider.outstanding(this.#state);
    const wakeAt = this.#wakeAt(effects, at);
    const row: PendingRow = {
      shard: this.shard,
      entityId: this.entityId,
      version: this.#version,
      commandId,
      wakeAt,
      events: encodeEvents(events, forms),
      meta: metaOf(fingerprint, traceparent, by),
      at,
      onlyIfNew: this.#presuming !== undefined && this.#version === 1,
    };
    const shown = view ? decider.answer(this.#state, undefined) : undefined;
    const decision = new PendingDecision(this, row, events, this.#state, effects, shown, this.#snapshotIfDue(at));
    this.#pending = appended(this.#pending, decision);
    // Handed over first: a row that the journal never saw would never be answered.
    this.#host.append(decision);
    for (const asker of askers) this.#answerAsker(asker, false, command);
  }

  #wakeAt(effects: readonly Effect[], at: EpochMs): EpochMs | null {
    return effects.length > 0 ? at + OUTSTANDING_WAKE_MS : (this.type.decider.deadline(this.#state) ?? null);
  }

  /** What the read models should say of it now: for an entity that nobody could read when its last rows came. */
  get shown(): Omit<ProjectedRow, 'seq'> {
    const { decider, view } = this.type;
    const effects = decider.outstanding(this.#state);
    const { shard, entityId } = this;
    const [version, at] = [this.#version, this.#lastAt];
    const wakeAt = this.#wakeAt(effects, at);
    if (!view || !decider.exists(this.#state)) return { shard, entityId, version, wakeAt, view: undefined };
    const shown = decider.answer(this.#state, undefined);
    const place = { firstSeq: this.#firstSeq ?? 0, at, settled: effects.length === 0 };
    return { shard, entityId, version, wakeAt, view: { view, entityId, shard, version, shown, ...place } };
  }

  /** Answers with the state as it is now: at the commit of the last row, or once the entity is at rest. */
  #answerAsker(asker: Asker, replayed: boolean, command = asker.ask.command): void {
    const { decider } = this.type;
    if (asker.ask.until === 'settled' && !decider.isAtRest(this.#state)) {
      if (this.#settleWaiters.length >= SETTLE_WAITERS_MAX) {
        asker.reply(failed('overloaded', `${SETTLE_WAITERS_MAX} callers wait for ${this.entityId} already`));
        return;
      }
      const { ask, reply } = asker;
      this.#settleWaiters = appended(this.#settleWaiters, { ask, reply, version: this.#version, replayed });
      return;
    }
    this.#hold({ reply: asker.reply, value: decider.answer(this.#state, command), replayed });
  }

  #hold(answer: HeldAnswer): void {
    const last = this.#pending.at(-1);
    // A commit under our epoch proves that nobody is ahead of it; without one only the lease says so.
    if (last) last.answers = appended(last.answers, answer);
    else if (this.#host.mayAnswer()) this.#release(answer, this.#committedVersion);
    else answer.reply(elsewhere('no', `shard ${this.shard} may have another owner`));
  }

  #release({ reply, value, refusal, replayed }: HeldAnswer, version: number): void {
    if (refusal) reply({ kind: 'rejected', refusal });
    else reply({ kind: 'done', value, replayed, version, origin: { shard: this.shard, seq: this.#firstSeq ?? 0 } });
  }

  // --- commits --------------------------------------------------------------------------------------------------------

  /** The journal's callback: `decision` is durable at `seq`. In log order. */
  committed(decision: PendingDecision, seq: number): void {
    invariant(this.#pending.shift() === decision, 'an entity commits in the order it decided');
    const { row, events, effects, state, shown } = decision;
    const { type } = this;
    this.#committedVersion = row.version;
    this.#presuming = undefined;
    if (this.#firstSeq === undefined) {
      this.#firstSeq = seq;
      this.#effects.bornHere();
    }
    const { shard, entityId, version, wakeAt, commandId, at } = row;
    const firstSeq = this.#firstSeq;
    const settled = effects.length === 0;
    const view =
      type.view && type.decider.exists(state)
        ? { view: type.view, entityId, shard, version, shown, firstSeq, at, settled }
        : undefined;
    const traceparent = row.meta?.traceparent;
    this.#host.project({ shard, seq, entityId, version, wakeAt, view, commandId, at, traceparent, events });
    for (const answer of decision.answers) this.#release(answer, row.version);
    if (this.#phase === 'gone') return;
    if (decision.snapshot) this.#host.saveSnapshot(decision.snapshot);
    if (this.#settleWaiters.length > 0 && type.decider.isAtRest(state)) this.#answerSettled(row.version, state);
    if (decision.concludes !== undefined) this.#effects.settled(decision.concludes);
    this.#effects.keep(effects, row.version);
  }

  /** The journal's callback: the row is not written, or nobody knows. Everything tentative here is void. */
  failed(decision: PendingDecision, outcome: AppendOutcome): void {
    if (outcome === 'exists' && this.#phase !== 'gone') {
      if (!this.#presuming) return; // decided on top of the first row, and forgotten with it
      this.#host.existed();
      this.#readAfterAll();
      return;
    }
    const index = this.#pending.indexOf(decision);
    if (index >= 0) this.#pending.splice(index, 1);
    const detail = `the append of ${this.entityId} version ${decision.row.version} failed`;
    const answer =
      outcome === 'refused'
        ? failed('not_applied', detail)
        : elsewhere(outcome === 'unknown' ? 'unknown' : 'no', detail);
    for (const { reply } of decision.answers) reply(answer);
    this.drop(answer);
  }

  #answerSettled(version: number, state: unknown): void {
    const waiting: SettleWaiter[] = [];
    for (const waiter of this.#settleWaiters) {
      if (waiter.version > version) {
        waiting.push(waiter);
        continue;
      }
      const value = this.type.decider.answer(state, waiter.ask.command);
      this.#release({ reply: waiter.reply, value, replayed: waiter.replayed }, version);
    }
    this.#settleWaiters = waiting;
  }

  // --- effects, gatherings, wake-ups ----------------------------------------------------------------------------------

  get traceparent(): string | undefined {
    return this.#traceparent;
  }

  conclude(conclusion: Conclusion): void {
    this.#mailbox.tell({ kind: 'concluded', conclusion });
  }

  /** @returns what is outstanding. */
  #keepEffects(): readonly Effect[] {
    const effects = this.type.decider.outstanding(this.#state);
    this.#effects.keep(effects, this.#committedVersion);
    return effects;
  }

  #concluded({ effect, answer, commandId }: Conclusion): void {
    if (this.#phase !== 'running') return;
    const command = this.type.decider.conclude(effect, answer);
    const decided = this.#decide(command, { commandId, traceparent: this.#traceparent }, []);
    const decision = this.#pending.at(-1);
    if (decided && decision) decision.concludes = effect.key;
    this.#effects.concluded(effect.key, decided);
  }

  #gathered(gathering: Gathering<Asker>): void {
    if (this.#phase !== 'running' || this.#gathering !== gathering) return;
    const { command, source, askers } = gathering;
    this.#decide(command, source, askers, gathering);
  }

  /** A decision ends the gathering it came from, and cancels another one: that one's asker asks again. */
  #endGathering(own: Gathering<Asker> | undefined): void {
    if (this.#gathering === own) {
      own?.stop();
      this.#gathering = undefined;
    } else {
      this.#cancelGathering(failed('unavailable', `${this.entityId} decided something else meanwhile`));
    }
  }

  #cancelGathering(answer: Answer | Elsewhere): void {
    const gathering = this.#gathering;
    if (!gathering) return;
    this.#gathering = undefined;
    gathering.stop();
    for (const { reply } of gathering.askers) reply(answer);
  }

  /** Its time has come, or its former worker is gone: sends what is outstanding and acts on a deadline that has passed. */
  #wake(): void {
    if (this.#phase === 'recovering' || this.#presuming) this.#wokenWhileRecovering = true;
    if (this.#phase !== 'running' || this.#presuming) return;
    const { decider } = this.type;
    const deadline = decider.deadline(this.#state);
    const due =
      deadline !== undefined && this.#host.clock.nowMs() >= deadline ? decider.onDeadline(this.#state) : undefined;
    const commandId = `deadline@${this.#version}`;
    if (due) this.#decide(due, { commandId, traceparent: this.#traceparent }, []);
    else if (this.#pending.length === 0) {
      const effects = this.#keepEffects();
      if (effects.length === 0 && deadline === undefined) this.#host.wokenInVain(this);
    }
    // Woken for another reason: the deadline's own wake-up is used up now.
    if (deadline !== undefined && !due) this.#host.wakeAt(this.entityId, deadline);
  }

  // --- snapshots ------------------------------------------------------------------------------------------------------

  /** Encoded now, saved when its version is durable. */
  #snapshotIfDue(at: EpochMs): Snapshot | undefined {
    const { snapshot } = this.type.decider;
    if (!snapshot || this.#version - this.#snapshotVersion < this.#snapshotVersionsMin) return undefined;
    const now = this.#host.clock.monotonicMs();
    if (now - this.#snapshotAtMs < SNAPSHOT_INTERVAL_MIN_MS) return undefined;
    this.#snapshotAtMs = now;
    this.#snapshotVersion = this.#version;
    const state = JSON.stringify({ state: snapshot.encode(this.#state), known: this.#known.entries() });
    this.#snapshotVersionsMin = Math.max(SNAPSHOT_VERSIONS_MIN, state.length / SNAPSHOT_CHARS_PER_VERSION);
    return { entityId: this.entityId, shard: this.shard, version: this.#version, schema: snapshot.schema, state, at };
  }
}

function metaOf(
  fingerprint: string | undefined,
  traceparent: string | undefined,
  by: CausedBy | undefined,
): RowMeta | null {
  if (fingerprint === undefined && traceparent === undefined && by === undefined) return null;
  return {
    ...(fingerprint !== undefined && { fingerprint }),
    ...(traceparent !== undefined && { traceparent }),
    ...(by !== undefined && { by }),
  };
}

/** One decision between its append and its commit. */
class PendingDecision implements AppendEntry {
  readonly row: PendingRow;
  readonly events: readonly DomainEvent[];
  readonly state: unknown;
  readonly effects: readonly Effect[];
  readonly shown: unknown;
  readonly snapshot: Snapshot | undefined;
  answers: HeldAnswer[] = [];
  /** The effect whose answer this decision took in. */
  concludes: string | undefined;
  readonly #shell: EntityShell;

  constructor(
    shell: EntityShell,
    row: PendingRow,
    events: readonly DomainEvent[],
    state: unknown,
    effects: readonly Effect[],
    shown: unknown,
    snapshot: Snapshot | undefined,
  ) {
    this.#shell = shell;
    this.row = row;
    this.events = events;
    this.state = state;
    this.effects = effects;
    this.shown = shown;
    this.snapshot = snapshot;
  }

  committed(seq: number): void {
    this.#shell.committed(this, seq);
  }

  failed(outcome: AppendOutcome): void {
    this.#shell.failed(this, outcome);
  }
}

/** An empty array makes room for seventeen when it is pushed to; most of these never hold more than one. */
function appended<Item>(list: Item[], item: Item): Item[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}
