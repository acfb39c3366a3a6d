/**
 * Publishes what the shards that are served here log: follows each committed row from memory, and reads the journal for
 * what lies behind (written before, or faster than the broker takes it). The checkpoint of a shard moves after the
 * broker's confirms, so after a crash some messages are published again, under the same ids, and none is skipped.
 *
 * Never in the way of a commit: what is in hand is bounded, and beyond that a shard simply falls behind its log. While
 * the broker is away nothing is read.
 *
 * Keeps invariants 9 (published at least once, in order per entity) and 11 (a row that can't be read, or made a message
 * of, holds back its own entity, and is reported).
 */
import type { Logger } from 'pino';
import type { CommittedRow, LogFollower } from '../../runtime/entity/log-follower.ts';
import type { Kinds } from '../../runtime/kinds.ts';
import { EPOCH_ENTITY_PREFIX } from '../../kernel/entity-id.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { StuckAmongMany } from '../../kernel/stuck-among-many.ts';
import type { JournalRow, JournalStore, RelayStore, ShardHead } from '../../persistence/ports.ts';
import type { PublicMessage, PublicMessages } from '../contracts/public-message.ts';
import { tellsOfMissingPart } from '../rabbitmq/missing-part.ts';
import type { Confirm } from '../rabbitmq/publishing-channel.ts';
import { EVENTS_EXCHANGE, UNROUTED } from '../rabbitmq/topology.ts';
import { Checkpoints } from './checkpoints.ts';
import { EntityLanes, type LanesDeps } from './entity-lanes.ts';
import { LagWatch } from './lag-watch.ts';
import { RelayedShard } from './relayed-shard.ts';
import { decodedRow, messagesOf, RowMessages } from './row-messages.ts';

/** Rows whose messages are not confirmed yet: some megabytes. */
const ROWS_IN_HAND_MAX = 10_000;
const ROWS_PER_READ = 500;
const SAVE_INTERVAL_MS = 1_000;
/** After something failed that can't be hurried. */
const PAUSE_MS = 500;
/** The broker does not say which one it is, and its list does. */
const UNROUTED_TEXT =
  `an event came back and is kept in ${UNROUTED}: an exchange is bound to ${EVENTS_EXCHANGE} and no queue stands behind ` +
  `it. Unbind it or bind a queue to it; "rabbitmqctl list_bindings" shows which one it is`;

export interface EventRelayDeps {
  readonly kinds: Kinds;
  readonly journal: Pick<JournalStore, 'readShard' | 'readEntities'>;
  readonly store: RelayStore;
  /** Their origin learns from here which incarnations there are. */
  readonly messages: PublicMessages;
  readonly publish: LanesDeps['publish'];
  readonly publishUnrouted: LanesDeps['publishUnrouted'];
  readonly brokerIsUp: () => boolean;
  /** An exchange, a queue or a binding is gone from the broker. Called again while it is. */
  readonly onMissing?: () => void;
  /** Calls back when what has come until then should leave, as one portion. */
  readonly gather: (portion: () => void) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RelayFigures {
  /** Since the worker's start. */
  readonly published: number;
  /** Of them: kept in `orders.unrouted`, because an exchange that is bound to the events' has no queue behind it. */
  readonly unrouted: number;
  /** Rows that are in the logs and not yet published for good. */
  readonly lagRows: number;
  /** How long the oldest of them waits. */
  readonly lagMs: number;
  /** Entities that are held back by a row that can't be read. */
  readonly held: number;
}

interface HeldEntity {
  readonly shard: number;
  /** The first row that is not published. */
  readonly seq: number;
  /** The last one that was taken in hand without being published. */
  last: number;
}

export class EventRelay implements LogFollower {
  readonly #deps: EventRelayDeps;
  readonly #lanes: EntityLanes;
  readonly #shards = new Map<number, RelayedShard>();
  readonly #held = new Map<string, HeldEntity>();
  readonly #checkpoints: Checkpoints;
  #rowsInHand = 0;
  /** Taken in hand since the last portion left. */
  #fresh: CommittedRow[] = [];
  #gathering = false;
  /** Some shard may have rows that are to be read. */
  #unread = false;
  #beginning: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  readonly #saver: Timer;
  /** The journal, the checkpoints and the list of what is held back: one database, and yet each fails for itself. */
  readonly #reads: LastingFailure;
  readonly #holds: LastingFailure;
  readonly #refusals: StuckAmongMany<object>;
  #closed = false;

  constructor(deps: EventRelayDeps) {
    this.#deps = deps;
    const { clock } = deps;
    const said = { log: deps.log, clock, remedy: 'Events wait. Look at the reason and the database.' };
    this.#reads = new LastingFailure({ ...said, what: 'events can not be read' });
    this.#checkpoints = new Checkpoints({ ...said, store: deps.store });
    this.#holds = new LastingFailure({ ...said, what: 'the list of entities held back could not be written' });
    const remedy = 'Look at the reason, at RabbitMQ, and at "npm run -s relay -- status".';
    this.#refusals = new StuckAmongMany({ ...said, what: 'an event could not be published', remedy });
    this.#lanes = new EntityLanes({
      clock,
      publish: deps.publish,
      publishUnrouted: (message, confirm) => this.#publishUnrouted(message, confirm),
      mayPublish: () => deps.brokerIsUp() && !this.#closed,
      onReady: () => this.#gather(),
      onRefused: (lane, message, error) => this.#refused(lane, message, error),
      onUnrefused: (lane) => this.#refusals.over(lane),
      hold: (row, reason) => this.#hold(row, `no message can be made of it: ${reason}`),
      onHeld: (rows) => this.#onHeld(rows),
    });
    const lagWatch = new LagWatch(deps.log);
    const look = (): void => {
      void this.save();
      lagWatch.look({ ...this.figures, brokerIsUp: deps.brokerIsUp() });
    };
    this.#saver = clock.every(SAVE_INTERVAL_MS, look, { unref: true });
  }

  /** What keeps events from leaving, or from being known as published. */
  get failures(): readonly LastingFailure[] {
    return [this.#reads, this.#checkpoints.failure, this.#holds, this.#refusals.failure];
  }

  /** In plain words, without names. */
  get trouble(): string | undefined {
    return this.#refusals.isEmpty ? undefined : 'events are refused; they wait';
  }

  get figures(): RelayFigures {
    let lagRows = 0;
    let lagMs = 0;
    const now = this.#deps.clock.monotonicMs();
    for (const shard of this.#shards.values()) {
      // How far a shard is that was just taken is not known yet: it may be behind.
      lagRows += shard.begun ? shard.head - shard.confirmed : 1;
      lagMs = Math.max(lagMs, shard.lagMs(now));
    }
    const { published, unrouted } = this.#lanes;
    return { published, unrouted, lagRows, lagMs: Math.round(lagMs), held: this.#held.size };
  }

  own(shard: number, { seq, epoch }: ShardHead): void {
    this.disown(shard);
    this.#shards.set(shard, new RelayedShard(shard, epoch, seq));
    this.#beginning ??= this.#begin().finally(() => (this.#beginning = undefined));
  }

  disown(shard: number): void {
    const known = this.#shards.get(shard);
    if (!known) return;
    this.#checkpoints.leave(known);
    this.#shards.delete(shard);
    this.#lanes.drop(shard);
    this.#fresh = this.#fresh.filter((row) => row.shard !== shard);
    this.#rowsInHand -= known.open;
    for (const [entityId, held] of this.#held) if (held.shard === shard) this.#held.delete(entityId);
  }

  committed(row: CommittedRow): void {
    const shard = this.#shards.get(row.shard);
    if (!shard) return;
    if (row.seq === shard.taken + 1 && shard.begun && this.#rowsInHand < ROWS_IN_HAND_MAX) {
      this.#take(shard, row.seq);
      this.#fresh.push(row);
      this.#gather();
    } else {
      shard.head = row.seq;
      this.#read();
    }
  }

  /** The broker is back. */
  resume(): void {
    this.#gather();
    this.#read();
  }

  /** Stores how far everything is confirmed. Never throws: what could not be stored is stored the next time. */
  async save(): Promise<void> {
    for (const shard of this.#shards.values()) this.#checkpoints.note(shard);
    await this.#checkpoints.save();
  }

  /** Publishes no more, and stores how far it came. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#saver.cancel();
    await this.#checkpoints.save(); // one that is under way may hold less
    await this.save();
    await this.#reading;
  }

  /** Shards that were taken together are begun together. */
  async #begin(): Promise<void> {
    await this.#deps.clock.nextTurn();
    for (;;) {
      const fresh = [...this.#shards.values()].filter(({ begun }) => !begun);
      if (fresh.length === 0 || this.#closed) return;
      try {
        const numbers = fresh.map(({ shard }) => shard);
        // A new one is begun before a shard takes its first epoch of it.
        this.#deps.messages.origin.know(await this.#deps.store.incarnations());
        const checkpoints = await this.#deps.store.checkpoints(numbers);
        const held = await this.#deps.store.held(numbers);
        for (const shard of fresh) {
          if (this.#shards.get(shard.shard) === shard) shard.begin(checkpoints.get(shard.shard) ?? 0);
        }
        for (const { entityId, shard, seq } of held)
          if (this.#shards.has(shard)) this.#held.set(entityId, { shard, seq, last: seq });
        for (const { entityId } of held) await this.#release(entityId);
        this.#reads.succeeded();
        this.#read();
      } catch (error) {
        this.#reads.failed(messageOf(error), { shards: fresh.length });
        await this.#deps.clock.sleep(PAUSE_MS);
      }
    }
  }

  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#deps.gather(() => {
      this.#gathering = false;
      this.#sortFresh();
      this.#lanes.pump();
    });
  }

  #sortFresh(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const row of fresh) {
      const shard = this.#shards.get(row.shard)!;
      this.#sort(shard, row, shard.epoch);
    }
  }

  #take(shard: RelayedShard, seq: number): void {
    shard.take(seq);
    this.#rowsInHand++;
  }

  /** A row in hand goes into its entity's lane, or has nothing to publish. */
  #sort(shard: RelayedShard, row: CommittedRow, epoch: number): void {
    const held = this.#held.get(row.entityId);
    if (held) held.last = row.seq;
    const messages = held ? undefined : RowMessages.of(row, epoch, this.#deps.messages, this.#onPublished);
    if (messages) this.#lanes.add(messages);
    else this.#settle(shard, row.seq);
  }

  readonly #onPublished = ({ shard, seq }: CommittedRow): void => this.#settle(this.#shards.get(shard)!, seq);

  #settle(shard: RelayedShard, seq: number): void {
    shard.settle(seq);
    this.#rowsInHand--;
    if (this.#unread) this.#read();
  }

  /** Reads what is behind, while there is room for it. */
  #read(): void {
    this.#unread = true;
    this.#reading ??= this.#readAll()
      .catch((error: unknown) => {
        this.#reads.failed(messageOf(error));
        this.#deps.clock.after(PAUSE_MS, () => this.#read(), { unref: true });
      })
      .finally(() => (this.#reading = undefined));
  }

  async #readAll(): Promise<void> {
    await this.#deps.clock.nextTurn();
    for (let isMore = true; isMore;) {
      isMore = false;
      for (const shard of [...this.#shards.values()]) {
        const mayRead = !this.#closed && this.#deps.brokerIsUp() && this.#rowsInHand < ROWS_IN_HAND_MAX;
        if (!mayRead) return;
        if (!shard.behind) continue;
        await this.#readPage(shard);
        isMore ||= shard.behind;
      }
    }
    this.#unread = [...this.#shards.values()].some(({ behind }) => behind);
    this.#reads.succeeded();
  }

  async #readPage(shard: RelayedShard): Promise<void> {
    const rows = await this.#deps.journal.readShard(shard.shard, shard.taken, ROWS_PER_READ);
    for (const row of rows) {
      if (this.#shards.get(shard.shard) !== shard) return;
      if (row.seq !== shard.taken + 1) continue; // was taken from memory meanwhile
      await this.#takeRead(shard, row);
    }
  }

  async #takeRead(shard: RelayedShard, row: JournalRow): Promise<void> {
    const { entityId, seq } = row;
    try {
      const decoded = entityId.startsWith(EPOCH_ENTITY_PREFIX) ? undefined : decodedRow(this.#deps.kinds, row);
      if (decoded) messagesOf(decoded, row.epoch, this.#deps.messages); // what can't be published is found here, where it can be held back
      this.#sortFresh(); // they lie before it in the log
      this.#take(shard, seq);
      if (decoded) this.#sort(shard, decoded, row.epoch);
      else this.#settle(shard, seq);
    } catch (error) {
      await this.#hold(row, messageOf(error));
      this.#held.set(entityId, { shard: shard.shard, seq, last: seq });
      if (seq !== shard.taken + 1) return;
      this.#take(shard, seq);
      this.#settle(shard, seq);
    }
  }

  async #hold({ entityId, shard, seq }: Pick<JournalRow, 'entityId' | 'shard' | 'seq'>, reason: string): Promise<void> {
    const fields = { entityId, shard, seq, reason };
    this.#deps.log.error(fields, 'an entity is published no further; see "npm run -s relay -- status"');
    try {
      await this.#deps.store.hold(fields);
      this.#holds.succeeded();
    } catch (error) {
      this.#holds.failed(messageOf(error), { entityId });
      throw error;
    }
  }

  /** Rows of one entity. What had been held back and was tried again is settled already. */
  #onHeld(rows: readonly RowMessages[]): void {
    const { entityId, shard: number, seq } = rows[0]!.row;
    const shard = this.#shards.get(number)!;
    this.#held.set(entityId, { shard: number, seq, last: rows.at(-1)!.row.seq });
    for (const { row, onPublished } of rows) if (onPublished === this.#onPublished) this.#settle(shard, row.seq);
  }

  /** Publishes what was held back, if it can be read by now. Never throws. */
  async #release(entityId: string): Promise<void> {
    const held = this.#held.get(entityId);
    const shard = held && this.#shards.get(held.shard);
    if (!shard) return;
    let left = 0;
    const published = (): void => {
      if (--left > 0) return;
      this.#deps.store.release(entityId).catch((error: unknown) => {
        this.#deps.log.warn({ entityId, reason: messageOf(error) }, 'what was held back will be published once more');
      });
    };
    let messages: RowMessages[];
    try {
      let rows: readonly JournalRow[];
      do {
        rows = (await this.#deps.journal.readEntities([entityId], false)).get(entityId)?.rows ?? [];
        this.#sortFresh();
        // A row that came while they were read is passed over like those before it.
      } while ((rows.at(-1)?.seq ?? held.last) < held.last);
      const missed = rows.filter(({ seq }) => seq >= held.seq && seq <= shard.taken);
      messages = missed.flatMap(
        (row) => RowMessages.of(decodedRow(this.#deps.kinds, row), row.epoch, this.#deps.messages, published) ?? [],
      );
    } catch (error) {
      this.#deps.log.warn({ entityId, reason: messageOf(error) }, 'what was held back can not be published yet');
      return;
    }
    if (this.#shards.get(shard.shard) !== shard) return;
    this.#held.delete(entityId);
    left = messages.length;
    if (left === 0) published();
    for (const each of messages) this.#lanes.add(each);
  }

  /** Each is said: the logger makes one line of equal ones, and then a count. */
  #publishUnrouted(message: PublicMessage, confirm: Confirm): void {
    this.#deps.log.warn({ exchange: EVENTS_EXCHANGE, routingKey: message.routingKey }, UNROUTED_TEXT);
    this.#deps.publishUnrouted(message, confirm);
  }

  #refused(lane: object, { routingKey, messageId }: PublicMessage, error: unknown): void {
    const reason = messageOf(error);
    if (tellsOfMissingPart(error)) this.#deps.onMissing?.();
    // One outage refuses thousands.
    if (this.#refusals.isEmpty)
      this.#deps.log.warn({ routingKey, messageId, reason }, 'an event could not be published; trying again');
    this.#refusals.failed(lane, reason, { routingKey, messageId });
  }
}
