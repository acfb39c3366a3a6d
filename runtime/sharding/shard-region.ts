/**
 * The shard region: the entities of the shards that this worker serves, and the way to all others. Routes an ask to its
 * entity, here or at a peer; starts entities when they are asked, and lets idle ones leave memory.
 *
 * While a shard is on its way from one owner to the next its asks wait here, and go to its next owner. An ask that an
 * owner left unanswered when it died, or lost the shard, is sent to the next one as well: there the journal tells
 * whether the command was applied, and a command id has one outcome (invariant 8).
 *
 * Passivation needs no handshake with a buffer: a handler is synchronous, so "mailbox empty, nothing in flight, gone"
 * is one step that no message can fall into. A message that comes later starts a new incarnation.
 *
 * Keeps invariants 10 (mailboxes and residents are bounded) and 11 (a poison entity stops only itself).
 */
import type { Logger } from 'pino';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import type { OutsideCall } from '../../kernel/decider.ts';
import type { Clock, EpochMs, Timer } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { StuckAmongMany } from '../../kernel/stuck-among-many.ts';
import type { AppendEntry, Journal } from '../../persistence/journal.ts';
import type { Snapshot, StoredEntity } from '../../persistence/ports.ts';
import type { ProjectedRow, Projections } from '../../persistence/projections.ts';
import { elsewhere, failed, type Actors, type Answer, type Ask, type ShardAnswer } from '../ask.ts';
import type { EntityHost, Reply, ShardReply } from '../entity/entity-host.ts';
import { EntityShell, type EntityAddress, type Mailbox, type ShellMessage } from '../entity/entity-shell.ts';
import type { EntityType } from '../entity/entity-type.ts';
import type { Guardian } from '../entity/guardian.ts';
import type { Recoveries } from '../entity/recoveries.ts';
import type { Kinds } from '../kinds.ts';
import { OutsidePorts } from '../outside-ports.ts';
import type { OutsideService } from '../entity/outside-port.ts';
import { ActorSystem, type Actor, type ActorOptions, type Place } from '../nact/actor-system.ts';
import { Parked, type Routed } from './parked.ts';
import type { CommittedRow, LogFollower } from '../entity/log-follower.ts';
import type { PeerTransport, ShardDirectory, WorkerId } from './peers.ts';
import { shardOf } from './shard-of.ts';
import { WakeTimer } from './wake-timer.ts';

const SWEEP_INTERVAL_MS = 50;
/** The usual answer of a service outside takes less. */
const DRAIN_WITHOUT_PROGRESS_MS = 2_000;
/** After an entity was taken for new and was not, so long all are read first: its callers may be sending again. */
const PRESUMING_PAUSE_MS = 500;
/** Beyond this, idle entities leave at once. */
const RESIDENTS_MAX = 50_000;
/** Entities in memory at which new work is refused: each of them is busy. */
const RESIDENTS_BUSY_MAX = 150_000;

export interface ShardRegionDeps {
  readonly workerId: WorkerId;
  readonly shards: number;
  readonly kinds: Kinds;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recoveries: Recoveries;
  /** The implementations of the ports to the outside, by the names of the ports. */
  readonly outside: ReadonlyMap<string, OutsideService>;
  readonly directory: ShardDirectory;
  readonly transport: PeerTransport;
  readonly guardian: Guardian;
  /** Where people look for entities that are set apart. Must not throw. */
  readonly quarantine: QuarantineList;
  /** The worker itself is at fault: it should give up. */
  readonly escalate: (reason: string) => void;
  /** False: another worker may own what this one serves. */
  readonly leaseValid: () => boolean;
  readonly saveSnapshots: (snapshots: readonly Snapshot[]) => Promise<void>;
  readonly follower?: LogFollower;
}

export interface QuarantineList {
  add(entityId: string, shard: number, reason: string): void;
}

/** An entity in memory: the one object that stands between its shell, its actor and the region. */
class Resident implements ActorOptions<ShellMessage>, Mailbox {
  readonly shell: EntityShell;
  readonly actor: Actor<ShellMessage>;
  readonly #onCrash: (shell: EntityShell, error: unknown, message: ShellMessage) => void;

  constructor(
    place: Place,
    address: EntityAddress,
    host: EntityHost,
    onCrash: (shell: EntityShell, error: unknown, message: ShellMessage) => void,
  ) {
    this.#onCrash = onCrash;
    this.shell = new EntityShell(address, host, this);
    this.actor = place.spawn<ShellMessage>(this);
  }

  get mailboxCapacityMax(): number {
    return this.shell.type.limits.mailboxMax;
  }

  tell(message: ShellMessage): void {
    this.actor.tellAlways(message);
  }

  handle(message: ShellMessage): void {
    this.shell.handle(message);
  }

  onCrash(error: unknown, message: ShellMessage): void {
    this.#onCrash(this.shell, error, message);
  }
}

export interface KindFigures {
  readonly live: number;
  readonly mailboxDepth: number;
  readonly mailboxAgeMs: number;
}

export interface RegionFigures {
  readonly residents: number;
  readonly shardsOwned: number;
  readonly quarantined: readonly string[];
  readonly kinds: Readonly<Record<string, KindFigures>>;
  /** Asks that wait for their shard's next owner. */
  readonly parked: number;
  readonly wakeUps: number;
  readonly deadLetters: number;
  readonly mailboxRefusals: number;
  readonly crashes: number;
}

export class ShardRegion implements Actors, EntityHost {
  readonly clock: Clock;
  readonly log: Logger;
  readonly steps: StuckAmongMany<object>;
  readonly #snapshots: LastingFailure;
  /** Entities that wait for something, and can't be read to go on. */
  readonly #unread: StuckAmongMany<string>;
  readonly #deps: ShardRegionDeps;
  readonly #outside: OutsidePorts;
  readonly #system: ActorSystem;
  readonly #owned = new Set<number>();
  /** Parents in the hierarchy: one a shard and kind. */
  readonly #places = new Map<string, Place>();
  readonly #residents = new Map<string, Resident>();
  /** Dropped shells whose rows are still with the journal: the entity can't be read before those are answered. */
  readonly #leaving = new Map<string, EntityShell>();
  readonly #quarantined = new Map<string, string>();
  /** Were set apart, and are being read again. */
  readonly #suspects = new Set<string>();
  /** Monotonic ms. */
  #presumesFromMs = 0;
  readonly #parked: Parked;
  readonly #wakes: WakeTimer;
  readonly #sweeper: Timer;
  #journal: Journal | undefined;
  #projections: Projections | undefined;

  constructor(deps: ShardRegionDeps) {
    this.#deps = deps;
    this.clock = deps.clock;
    this.log = deps.log;
    this.#system = new ActorSystem(deps.clock);
    this.#outside = new OutsidePorts(deps.kinds, deps.outside, deps.clock);
    const services = [...deps.kinds.ports.values()].map(({ what }) => what);
    const said = { log: deps.log, clock: deps.clock };
    this.steps = new StuckAmongMany({
      ...said,
      what: 'a step of an entity fails',
      remedy: `The entity waits. Look at the reason, ${services.join(', ')} and "npm run -s quarantine -- list".`,
    });
    this.#snapshots = new LastingFailure({
      ...said,
      what: 'a snapshot could not be saved',
      remedy: 'Entities are read from their whole logs, slowly. Look at the reason and the database.',
    });
    this.#unread = new StuckAmongMany({
      ...said,
      what: 'an entity that waits can not be read',
      remedy: 'It goes on when it can be read. Look at the reason, the database, and "npm run -s audit".',
    });
    this.#wakes = new WakeTimer(deps.clock, (entityId) => this.#wake(entityId));
    this.#parked = new Parked(deps.clock, (routed) => this.#dispatch(routed));
    this.#sweeper = deps.clock.every(SWEEP_INTERVAL_MS, () => this.sweep(), { unref: true });
  }

  /** The journal tells the region of lost shards, so it is made after it. */
  connect(journal: Journal, projections: Projections): void {
    this.#journal = journal;
    this.#projections = projections;
  }

  /** What keeps entities from going on. */
  get failures(): readonly LastingFailure[] {
    return [this.steps.failure, this.#snapshots, this.#unread.failure];
  }

  get figures(): RegionFigures {
    const { deadLetters, refusals, crashes } = this.#system.figures;
    return {
      residents: this.#residents.size,
      shardsOwned: this.#owned.size,
      quarantined: [...this.#quarantined.keys()],
      kinds: this.#kindFigures(),
      parked: this.#parked.size,
      wakeUps: this.#wakes.waiting,
      deadLetters,
      mailboxRefusals: refusals,
      crashes,
    };
  }

  #kindFigures(): Record<string, KindFigures> {
    const now = this.clock.monotonicMs();
    const figures = Object.fromEntries(this.#deps.kinds.all.map(({ kind }) => [kind, idleKind()]));
    for (const { shell, actor } of this.#residents.values()) {
      const kind = figures[shell.type.kind]!;
      kind.live++;
      if (actor.waiting === 0) continue;
      kind.mailboxDepth += actor.waiting;
      kind.mailboxAgeMs = Math.max(kind.mailboxAgeMs, Math.round(now - actor.waitingSinceMs));
    }
    return figures;
  }

  // --- asks -----------------------------------------------------------------------------------------------------------

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const timer = this.clock.after(ask.timeoutMs, () => {
        const code = ask.command && routed.applied === 'unknown' ? 'outcome_unknown' : 'unavailable';
        resolve(failed(code, `no answer within ${ask.timeoutMs} ms`));
      });
      const routed = this.#routed(ask, false, false, (answer) => {
        timer.cancel();
        resolve(answer);
      });
      this.#dispatch(routed);
    });
  }

  /** An ask that a peer sent here: it goes no further. */
  receive(ask: Ask, internal: boolean, reply: ShardReply): void {
    const shard = this.shardOf(ask.to);
    if (this.#owned.has(shard)) this.#deliver(shard, ask, internal, false, reply);
    else reply(elsewhere('no', `shard ${shard} is not served here`));
  }

  send(ask: Ask, fresh: boolean, reply: Reply): void {
    this.#dispatch(this.#routed(ask, true, fresh, reply));
  }

  shardOf(entityId: string): number {
    return shardOf(routingKeyOf(entityId), this.#deps.shards);
  }

  /** Owners changed, or a shard is served now: what waits for that goes on. */
  ownersChanged(): void {
    this.#parked.retry();
  }

  #routed(ask: Ask, internal: boolean, fresh: boolean, reply: Reply): Routed {
    return { ask, internal, fresh, reply, deadlineMs: this.clock.monotonicMs() + ask.timeoutMs, applied: 'no' };
  }

  #dispatch(routed: Routed): void {
    const { ask, internal, fresh } = routed;
    const before = routed.applied;
    const answered = (answer: ShardAnswer): void => this.#answered(routed, before, answer);
    const shard = this.shardOf(ask.to);
    if (this.#owned.has(shard)) {
      routed.applied = 'unknown';
      return this.#deliver(shard, ask, internal, fresh, answered);
    }
    const owner = this.#deps.directory.ownerOf(shard);
    if (owner === undefined || owner === this.#deps.workerId) {
      return this.#park(routed, `shard ${shard} has no owner yet`);
    }
    routed.applied = 'unknown';
    const leftMs = Math.max(1, routed.deadlineMs - this.clock.monotonicMs());
    // At the first attempt next to nothing is gone yet, and a copy is not worth it.
    const sent = leftMs <= ask.timeoutMs - 1 ? { ...ask, timeoutMs: leftMs } : ask;
    this.#deps.transport.ask(owner, sent, internal, answered);
  }

  /** @param before whether it may have been applied before it was sent to whom this answer is from. */
  #answered(routed: Routed, before: Routed['applied'], answer: ShardAnswer): void {
    if (answer.kind !== 'elsewhere') return routed.reply(asFarAsKnown(routed.ask, before, answer));
    routed.applied = answer.applied === 'unknown' ? 'unknown' : before;
    this.#deps.directory.refresh();
    this.#park(routed, answer.detail);
  }

  #park(routed: Routed, detail: string): void {
    const { ask, reply } = routed;
    routed.fresh = false;
    const unknown = routed.applied === 'unknown' && ask.command !== undefined;
    const tooLate = failed(unknown ? 'outcome_unknown' : 'unavailable', detail);
    if (unknown && ask.once === true) return reply(tooLate);
    if (!this.#parked.add(routed, tooLate)) reply(unknown ? tooLate : failed('overloaded', detail));
  }

  #deliver(shard: number, ask: Ask, internal: boolean, fresh: boolean, reply: ShardReply): void {
    if (!internal && ask.command && this.#overloaded())
      return reply(failed('overloaded', 'the worker is at its limit'));
    const quarantined = this.#quarantined.get(ask.to);
    if (quarantined !== undefined) return reply(failed('quarantined', quarantined));
    const resident = this.#residents.get(ask.to) ?? this.#start(ask.to, shard, fresh, ask.command);
    if (!resident) return reply(elsewhere('no', `${ask.to} is leaving memory`));
    const { mailboxMax } = resident.shell.type.limits;
    if (resident.shell.stashed >= mailboxMax)
      return reply(failed('overloaded', `${mailboxMax} messages wait for ${ask.to}`));
    const told = resident.actor.tell({ kind: 'ask', ask, reply });
    if (told === 'mailbox_full') reply(failed('overloaded', `the mailbox of ${ask.to} is full`));
    else if (told === 'stopped') reply(failed('unavailable', `${ask.to} has stopped`));
  }

  #overloaded(): boolean {
    return (
      (this.#journal?.full ?? true) || (this.#projections?.full ?? true) || this.#residents.size >= RESIDENTS_BUSY_MAX
    );
  }

  // --- entities -------------------------------------------------------------------------------------------------------

  /** @param command what it is asked first. */
  #start(entityId: string, shard: number, fresh: boolean, command?: Ask['command']): Resident | undefined {
    if (this.#leaving.get(entityId)?.appending) return undefined;
    this.#leaving.delete(entityId);
    const type = this.#deps.kinds.of(entityId);
    const resident = new Resident(this.#placeOf(shard, type.kind), { entityId, shard, type }, this, this.#onCrash);
    this.#residents.set(entityId, resident);
    resident.shell.start(fresh ? 'none' : this.#mayPresume(type, command) ? 'presumed none' : 'unknown');
    return resident;
  }

  #mayPresume({ beginsWith }: EntityType, command: Ask['command']): boolean {
    if (beginsWith === undefined || command?.type !== beginsWith) return false;
    return this.clock.monotonicMs() >= this.#presumesFromMs;
  }

  #placeOf(shard: number, kind: string): Place {
    const name = `${shard}-${kind}`;
    let place = this.#places.get(name);
    if (!place) this.#places.set(name, (place = this.#system.place(name)));
    return place;
  }

  readonly #onCrash = (shell: EntityShell, error: unknown, message: ShellMessage): void => {
    const { entityId, shard } = shell;
    const detail = messageOf(error);
    const directive = this.#deps.guardian.decide({ kind: shell.type.kind, entityId, error });
    if (directive === 'resume') {
      if (message.kind === 'ask') message.reply(failed('not_applied', detail));
      return;
    }
    if (directive === 'stop') {
      this.#quarantined.set(entityId, detail);
      this.#suspects.delete(entityId);
      this.#deps.quarantine.add(entityId, shard, detail);
    }
    const code = directive === 'stop' ? 'quarantined' : 'outcome_unknown';
    if (message.kind === 'ask') message.reply(failed(code, detail));
    shell.drop({ kind: 'failed', code, detail });
    if (directive === 'escalate') this.#deps.escalate(`${entityId}: ${detail}`);
  };

  /** Reads it again: a person says that it is mended, or its shard has a new owner. */
  retryQuarantined(entityId: string): void {
    if (!this.#deps.kinds.find(entityId) || !this.#owned.has(this.shardOf(entityId))) return;
    this.#quarantined.delete(entityId);
    this.#suspects.add(entityId);
    const resident = this.#residents.get(entityId);
    if (!resident) this.#wake(entityId);
    else if (resident.shell.idle) this.recovered(resident.shell);
    // What it shows must be committed. One that is being read tells by itself.
    else if (!resident.shell.recovering) this.clock.after(SWEEP_INTERVAL_MS, () => this.retryQuarantined(entityId));
  }

  refused(shell: EntityShell, error: Error): void {
    this.#deps.guardian.decide({ kind: shell.type.kind, entityId: shell.entityId, error });
  }

  existed(): void {
    this.#presumesFromMs = this.clock.monotonicMs() + PRESUMING_PAUSE_MS;
  }

  recovered(shell: EntityShell): void {
    if (!this.#suspects.delete(shell.entityId)) return;
    this.log.info({ entityId: shell.entityId }, 'an entity that was set apart is read; what it shows is written');
    this.#projections!.refresh(shell.shown, true);
  }

  wokenInVain(shell: EntityShell): void {
    this.#projections!.refresh(shell.shown);
  }

  gone(shell: EntityShell): void {
    const resident = this.#residents.get(shell.entityId);
    if (resident?.shell !== shell) return;
    this.#residents.delete(shell.entityId);
    if (shell.appending) this.#leaving.set(shell.entityId, shell);
    resident.actor.retire();
  }

  #wake(entityId: string): void {
    const shard = this.shardOf(entityId);
    if (!this.#owned.has(shard) || this.#quarantined.has(entityId)) return;
    const resident = this.#residents.get(entityId) ?? this.#start(entityId, shard, false);
    if (resident) resident.actor.tellAlways({ kind: 'wake' });
    else this.#wakes.set(entityId, this.clock.nowMs() + SWEEP_INTERVAL_MS);
  }

  /** Lets idle entities leave, the oldest residents first; busy ones stay. Called by a timer, and by tests. */
  sweep(): void {
    const now = this.clock.monotonicMs();
    let excess = this.#residents.size - RESIDENTS_MAX;
    for (const { shell, actor } of this.#residents.values()) {
      const idleFor = now - shell.lastActiveMs;
      if (actor.waiting > 0 || !shell.idle || (idleFor < shell.idleMs && excess <= 0)) continue;
      excess--;
      shell.passivate();
    }
    for (const [entityId, shell] of this.#leaving) if (!shell.appending) this.#leaving.delete(entityId);
  }

  // --- shards ---------------------------------------------------------------------------------------------------------

  /** From now on this worker answers for the shard. `wakes`: its entities that wait. */
  own(shard: number, wakes: Iterable<readonly [string, EpochMs]>): void {
    this.#owned.add(shard);
    for (const [entityId, wakeAt] of wakes) this.#wakes.set(entityId, wakeAt);
    this.#parked.retry();
  }

  /** Drops every entity of the shard from memory; waiting asks go to the shard's next owner. */
  disown(shard: number): void {
    if (!this.#owned.delete(shard)) return;
    for (const { shell } of [...this.#residents.values()]) {
      if (shell.shard === shard) shell.drop({ kind: 'elsewhere', detail: `shard ${shard} has left this worker` });
    }
    for (const entityId of this.#quarantined.keys()) {
      if (this.shardOf(entityId) === shard) this.#quarantined.delete(entityId);
    }
    this.#unread.overWhere((entityId) => this.shardOf(entityId) === shard);
    for (const entityId of this.#suspects) if (this.shardOf(entityId) === shard) this.#suspects.delete(entityId);
  }

  /** Rows of these shards are with the journal and not answered yet. */
  appending(shards: readonly number[]): boolean {
    for (const shell of this.#leaving.values()) if (shell.appending && shards.includes(shell.shard)) return true;
    return false;
  }

  // --- EntityHost -----------------------------------------------------------------------------------------------------

  append(entry: AppendEntry): void {
    this.#journal!.append(entry);
  }

  recover(shell: EntityShell, withSnapshot: boolean): Promise<StoredEntity | undefined> {
    const { entityId, type } = shell;
    return this.#deps.recoveries.read(entityId, type, withSnapshot).then(
      (stored) => {
        this.#unread.over(entityId);
        return stored;
      },
      (error: unknown) => {
        if (shell.isWoken) this.#unread.failed(entityId, messageOf(error), { entityId });
        throw error;
      },
    );
  }

  callOutside(port: string, call: OutsideCall): Promise<unknown> {
    return this.#outside.call(port, call);
  }

  project(row: ProjectedRow & CommittedRow): void {
    if (row.wakeAt === null) this.#wakes.clear(row.entityId);
    this.#projections!.apply(row);
    this.#deps.follower?.committed(row);
  }

  saveSnapshot(snapshot: Snapshot): void {
    this.#deps.saveSnapshots([snapshot]).then(
      () => this.#snapshots.succeeded(),
      (error: unknown) => this.#snapshots.failed(messageOf(error), { entityId: snapshot.entityId }),
    );
  }

  wakeAt(entityId: string, at: EpochMs): void {
    if (this.#owned.has(this.shardOf(entityId))) this.#wakes.set(entityId, at);
  }

  mayAnswer(): boolean {
    return this.#deps.leaseValid();
  }

  /** Wakes who is due. Called by a timer, and by tests. */
  wakeDue(): void {
    this.#wakes.tick();
  }

  /** The projections' word on who still waits. */
  wakesChanged(wakes: ReadonlyMap<string, EpochMs>): void {
    for (const [entityId, wakeAt] of wakes) this.#wakes.set(entityId, wakeAt);
  }

  /** True while anything is in flight, in either direction. */
  get busy(): boolean {
    for (const { shell, actor } of this.#residents.values()) if (actor.waiting > 0 || !shell.idle) return true;
    return false;
  }

  /**
   * Resolves when nothing is in flight any more, or nothing was committed for a while: what waits then (for a call that
   * is tried again later, for a database that is away) the shard's next owner takes up. At `deadline` (monotonic ms) at
   * the latest.
   */
  async drain(deadline: number): Promise<void> {
    let rows = -1;
    let progressMs = this.clock.monotonicMs();
    for (let now = progressMs; this.busy && now < deadline; now = this.clock.monotonicMs()) {
      const committed = this.#journal?.figures.rows ?? 0;
      if (committed !== rows) progressMs = now;
      else if (now - progressMs >= DRAIN_WITHOUT_PROGRESS_MS) return;
      rows = committed;
      await this.clock.sleep(20);
    }
  }

  stop(): void {
    this.#wakes.stop();
    this.#parked.stop();
    this.#sweeper.cancel();
    this.#system.stop();
  }
}

function idleKind(): { live: number; mailboxDepth: number; mailboxAgeMs: number } {
  return { live: 0, mailboxDepth: 0, mailboxAgeMs: 0 };
}

/** That an owner applied nothing says nothing of the one that was asked before it. */
function asFarAsKnown(ask: Ask, before: Routed['applied'], answer: Answer): Answer {
  if (before === 'no' || ask.command === undefined || answer.kind !== 'failed') return answer;
  const { code, detail } = answer;
  return code === 'unavailable' || code === 'overloaded' ? failed('outcome_unknown', detail) : answer;
}
