/**
 * The shard region: the entities of the shards that this worker owns, and the way to all others. Routes an ask to its
 * entity, here or at a peer; starts entities when they are asked, and lets idle ones leave memory.
 *
 *   shard:  foreign --take--> taking --epoch row, caught up--> owned --append lost--> lost --take--> taking
 *
 * Passivation needs no handshake with a buffer: a handler is synchronous, so "mailbox empty, nothing in flight, gone"
 * is one step that no message can fall into. A message that comes later starts a new incarnation.
 *
 * Keeps invariants 10 (mailboxes and residents are bounded) and 11 (a poison entity stops only itself).
 */
import type { Logger } from 'pino';
import { kindOf, routingKeyOf } from '../../domain/addresses.ts';
import type { EntityKind } from '../../domain/decider.ts';
import type { ProviderCall, ProviderOutcome } from '../../domain/payment/payment.ts';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { CorruptionError, messageOf } from '../../kernel/errors.ts';
import type { AppendEntry, Journal } from '../../persistence/journal.ts';
import type { Snapshot, StoredEntity } from '../../persistence/ports.ts';
import type { ProjectedRow, Projections } from '../../persistence/projections.ts';
import type { Actors, Answer, Ask } from '../ask.ts';
import type { EntityHost, Reply } from '../entity/entity-host.ts';
import { EntityShell, failed, type ShellMessage } from '../entity/entity-shell.ts';
import type { EntityType } from '../entity/entity-type.ts';
import type { Recoveries } from '../entity/recoveries.ts';
import type { PaymentProvider } from '../payment/payment-provider.ts';
import { ActorSystem, type Actor, type Place } from '../runtime/actor-system.ts';
import type { PeerTransport, ShardDirectory, WorkerSlot } from './peers.ts';
import { shardOf } from './shard-of.ts';
import { WakeTimer } from './wake-timer.ts';

/** A provider that says nothing for so long is asked again, under the same key. */
const PROVIDER_TIMEOUT_MS = 30_000;
const SWEEP_INTERVAL_MS = 200;
/** Beyond this, idle entities leave at once. */
const RESIDENTS_MAX = 50_000;
/** Entities in memory at which new work is refused: each of them is busy. */
const RESIDENTS_BUSY_MAX = 150_000;

export interface ShardRegionDeps {
  readonly slot: WorkerSlot;
  readonly shards: number;
  readonly types: Readonly<Record<EntityKind, EntityType>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recoveries: Recoveries;
  readonly provider: PaymentProvider;
  readonly directory: ShardDirectory;
  readonly transport: PeerTransport;
  readonly saveSnapshots: (snapshots: readonly Snapshot[]) => Promise<void>;
}

interface Resident {
  readonly shell: EntityShell;
  readonly actor: Actor<ShellMessage>;
}

export interface RegionFigures {
  readonly residents: number;
  readonly shardsOwned: number;
  readonly quarantined: number;
  readonly wakeUps: number;
  readonly deadLetters: number;
  readonly mailboxRefusals: number;
  readonly crashes: number;
}

export class ShardRegion implements Actors, EntityHost {
  readonly clock: Clock;
  readonly log: Logger;
  readonly #deps: ShardRegionDeps;
  readonly #system = new ActorSystem();
  readonly #owned = new Set<number>();
  /** Parents in the hierarchy: one a shard and kind. */
  readonly #places = new Map<string, Place>();
  readonly #residents = new Map<string, Resident>();
  /** Dropped shells whose rows are still with the journal: the entity can't be read before those are answered. */
  readonly #leaving = new Map<string, EntityShell>();
  readonly #quarantined = new Map<string, string>();
  readonly #wakes: WakeTimer;
  readonly #sweeper: NodeJS.Timeout;
  #incarnations = 0;
  #journal: Journal | undefined;
  #projections: Projections | undefined;

  constructor(deps: ShardRegionDeps) {
    this.#deps = deps;
    this.clock = deps.clock;
    this.log = deps.log;
    this.#wakes = new WakeTimer(
      () => deps.clock.nowMs(),
      (entityId) => this.#wake(entityId),
    );
    this.#sweeper = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  /** The journal tells the region of lost shards, so it is made after it. */
  connect(journal: Journal, projections: Projections): void {
    this.#journal = journal;
    this.#projections = projections;
  }

  get figures(): RegionFigures {
    const { deadLetters, refusals, crashes } = this.#system.figures;
    return {
      residents: this.#residents.size,
      shardsOwned: this.#owned.size,
      quarantined: this.#quarantined.size,
      wakeUps: this.#wakes.waiting,
      deadLetters,
      mailboxRefusals: refusals,
      crashes,
    };
  }

  // --- asks -----------------------------------------------------------------------------------------------------------

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const code = ask.command ? 'outcome_unknown' : 'unavailable';
        resolve(failed(code, `no answer within ${ask.timeoutMs} ms`));
      }, ask.timeoutMs);
      this.#route(ask, false, false, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  /** An ask that a peer sent here. `moved` is called when this worker doesn't own the shard. */
  receive(ask: Ask, internal: boolean, reply: Reply, moved: (owner: WorkerSlot) => void): void {
    const shard = this.shardOf(ask.to);
    const owner = this.#deps.directory.ownerOf(shard);
    if (owner !== this.#deps.slot) moved(owner);
    else this.#deliver(shard, ask, internal, false, reply);
  }

  send(ask: Ask, fresh: boolean, reply: Reply): void {
    this.#route(ask, true, fresh, reply);
  }

  shardOf(entityId: string): number {
    return shardOf(routingKeyOf(entityId), this.#deps.shards);
  }

  #route(ask: Ask, internal: boolean, fresh: boolean, reply: Reply): void {
    const shard = this.shardOf(ask.to);
    const owner = this.#deps.directory.ownerOf(shard);
    if (owner === this.#deps.slot) this.#deliver(shard, ask, internal, fresh, reply);
    else this.#deps.transport.ask(owner, ask, internal, reply);
  }

  #deliver(shard: number, ask: Ask, internal: boolean, fresh: boolean, reply: Reply): void {
    if (!this.#owned.has(shard)) return reply(failed('unavailable', `shard ${shard} is being taken`));
    if (!internal && ask.command && this.#overloaded())
      return reply(failed('overloaded', 'the worker is at its limit'));
    const quarantined = this.#quarantined.get(ask.to);
    if (quarantined !== undefined) return reply(failed('quarantined', quarantined));
    const resident = this.#residents.get(ask.to) ?? this.#start(ask.to, shard, fresh);
    if (!resident) return reply(failed('unavailable', `${ask.to} is leaving memory`));
    if (resident.shell.stashed >= resident.shell.type.mailboxCapacityMax) {
      return reply(failed('overloaded', `${resident.shell.type.mailboxCapacityMax} messages wait for ${ask.to}`));
    }
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

  #start(entityId: string, shard: number, fresh: boolean): Resident | undefined {
    if (this.#leaving.get(entityId)?.appending) return undefined;
    this.#leaving.delete(entityId);
    const kind = kindOf(entityId);
    const type = this.#deps.types[kind];
    const shell = new EntityShell(entityId, shard, type, this, (message) => actor.tellAlways(message));
    const actor = this.#placeOf(shard, kind).spawn<ShellMessage>({
      // Not the entity's id: nact takes few characters, and a former incarnation may still be answering its mailbox.
      name: String(++this.#incarnations),
      mailboxCapacityMax: type.mailboxCapacityMax,
      handle: (message) => shell.handle(message),
      onCrash: (error, message) => this.#crashed(shell, error, message),
    });
    const resident = { shell, actor };
    this.#residents.set(entityId, resident);
    shell.start(fresh);
    return resident;
  }

  #placeOf(shard: number, kind: EntityKind): Place {
    const name = `${shard}-${kind}`;
    let place = this.#places.get(name);
    if (!place) this.#places.set(name, (place = this.#system.place(name)));
    return place;
  }

  /** What can't be read is set apart until a person acts; what broke in memory only is read again from the journal. */
  #crashed(shell: EntityShell, error: unknown, message: ShellMessage): void {
    const { entityId } = shell;
    const detail = messageOf(error);
    const code = error instanceof CorruptionError ? 'quarantined' : 'outcome_unknown';
    this.log.error({ entityId, err: error, message: message.kind }, `an entity crashed: ${code}`);
    if (code === 'quarantined') this.#quarantined.set(entityId, detail);
    if (message.kind === 'ask') message.reply(failed(code, detail));
    shell.drop(code, detail);
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
      if ((idleFor < shell.type.idleMs && excess <= 0) || actor.waiting > 0 || !shell.idle) continue;
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
  }

  /** Drops every entity of the shard from memory; whoever waits for one hears that its outcome is unknown. */
  disown(shard: number): void {
    if (!this.#owned.delete(shard)) return;
    for (const { shell } of [...this.#residents.values()]) {
      if (shell.shard === shard) shell.drop('outcome_unknown', `shard ${shard} was lost`);
    }
    for (const entityId of this.#quarantined.keys()) {
      if (this.shardOf(entityId) === shard) this.#quarantined.delete(entityId);
    }
  }

  // --- EntityHost -----------------------------------------------------------------------------------------------------

  append(entry: AppendEntry): void {
    this.#journal!.append(entry);
  }

  recover(shell: EntityShell, withSnapshot: boolean): Promise<StoredEntity | undefined> {
    return this.#deps.recoveries.read(shell.entityId, shell.type, withSnapshot);
  }

  callProvider(call: ProviderCall): Promise<ProviderOutcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${PROVIDER_TIMEOUT_MS} ms`)), PROVIDER_TIMEOUT_MS);
    });
    return Promise.race([this.#deps.provider.perform(call), late]).finally(() => clearTimeout(timer));
  }

  project(row: ProjectedRow): void {
    if (row.wakeAt === null) this.#wakes.clear(row.entityId);
    this.#projections!.apply(row);
  }

  saveSnapshot(snapshot: Snapshot): void {
    this.#deps.saveSnapshots([snapshot]).catch((error: unknown) => {
      this.log.warn({ entityId: snapshot.entityId, reason: messageOf(error) }, 'a snapshot could not be saved');
    });
  }

  after(delayMs: number, tell: () => void): { cancel(): void } {
    const timer = setTimeout(tell, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }

  wakeAt(entityId: string, at: EpochMs): void {
    if (this.#owned.has(this.shardOf(entityId))) this.#wakes.set(entityId, at);
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

  /** Resolves when nothing is in flight any more, or at `deadline` (monotonic ms). */
  async drain(deadline: number): Promise<void> {
    while (this.clock.monotonicMs() < deadline) {
      if (!this.busy) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    this.#wakes.stop();
    clearInterval(this.#sweeper);
    this.#system.stop();
  }
}
