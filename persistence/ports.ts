/**
 * What the rest of the program asks of storage. Implementations: postgres/ (the truth) and in-memory/ (for tests of
 * what lies above); both pass the suites in test/contract.
 */
import type { EpochMs } from '../kernel/clock.ts';
import type { ViewChange } from './view-definition.ts';

/** Where an entity's first row lies in the journal: the source of an order's number. */
export interface Origin {
  readonly shard: number;
  readonly seq: number;
}

/** A row of the journal: one decision, all its events. */
export interface JournalRow {
  readonly shard: number;
  /** Dense per shard, from 1. */
  readonly seq: number;
  /** Never falls along a shard's log. */
  readonly epoch: number;
  readonly entityId: string;
  /** Dense per entity, from 1. */
  readonly version: number;
  readonly commandId: string;
  /** When the entity wants to be woken: null means nothing is outstanding after this row. */
  readonly wakeAt: EpochMs | null;
  /** JSON text: an array of events, see persistence/event-codec.ts. */
  readonly events: string;
  readonly meta: RowMeta | null;
  readonly at: EpochMs;
}

export interface RowMeta {
  /** Hash of what was sent under the row's command id, where the id must be known without a time limit. */
  readonly fingerprint?: string;
  /** Of the command that caused it, where it had one: see Ask. */
  readonly traceparent?: string;
  /** Of a command that came from outside. What an order does by itself has none: its command id tells which step it is. */
  readonly by?: CausedBy;
}

/** Who caused a row. Stored as it is, so members may come but never change. */
export interface CausedBy {
  readonly channel: 'http' | 'message' | 'command-line';
  /** The token's `sub`; of a message its sender. */
  readonly who?: string;
  readonly role?: string;
  readonly issuer?: string;
  /** Of a message its message-id. */
  readonly requestId?: string;
  /** For whom a message's sender acts, as it says. */
  readonly onBehalfOf?: string;
}

/** A row that is to be written. */
export interface NewRow extends JournalRow {
  /** Its entity was not looked up: the row is written only where the entity has none. */
  readonly onlyIfNew?: boolean;
}

/** A row before its place in the log is known: the journal assigns seq and epoch when it is written. */
export type PendingRow = Omit<NewRow, 'seq' | 'epoch'>;

/** What happened to one entity, as the journal has it. */
export interface EntityHistories {
  /** Rows that have events, from a version on, ascending. Sees all that was answered before. */
  readHistory(entityId: string, fromVersion: number, limit: number): Promise<JournalRow[]>;
}

/** The last row of a shard's log, as its owner knows it. */
export interface ShardHead {
  readonly seq: number;
  readonly epoch: number;
}

/** What a shard's log tells of one entity. `rows` follow the snapshot's version, ascending and dense. */
export interface StoredEntity {
  readonly snapshot?: {
    readonly version: number;
    readonly schema: number;
    readonly state: unknown;
    /** Time of the row that has its version. */
    readonly at: EpochMs;
  };
  readonly rows: readonly JournalRow[];
}

export interface Snapshot {
  readonly entityId: string;
  readonly shard: number;
  readonly version: number;
  readonly schema: number;
  /** JSON text. */
  readonly state: string;
  readonly at: EpochMs;
}

/**
 * The journal's storage. Appending is the fence (ARCHITECTURE.md section 1): rows of a shard are written only where the
 * row before the first of them exists with the writer's own epoch.
 */
export interface JournalStore {
  /**
   * Begins a new epoch in each shard with an `EpochStarted` row, so that no older owner can append from then on.
   * @returns the head of each shard: its epoch row.
   * @throws AppendError
   */
  takeShards(shards: readonly number[], at: EpochMs): Promise<Map<number, ShardHead>>;
  /**
   * Writes rows in one self-committing statement. `rows` are sorted by (shard, seq), dense within each shard.
   * @returns the shards whose rows are durable now; a shard that is missing has another owner, and nothing of it was written.
   * @throws AppendError which says whether anything may have been written.
   */
  append(rows: readonly NewRow[]): Promise<ReadonlySet<number>>;
  /**
   * @returns per entity its snapshot and the rows after it; an entity without rows is missing, one that is asked for
   *   twice is there once. A snapshot ahead of its log is ignored. One round trip for all.
   */
  readEntities(entityIds: readonly string[], withSnapshots: boolean): Promise<Map<string, StoredEntity>>;
  /** Rows of a shard after `afterSeq`, ascending. */
  readShard(shard: number, afterSeq: number, limit: number): Promise<JournalRow[]>;
  /** Replaces older snapshots, never newer ones. */
  saveSnapshots(snapshots: readonly Snapshot[]): Promise<void>;
}

/** How an append failed. */
export type AppendFailure =
  /** Nothing was written; some row in the batch is refused by the database for what it holds. */
  | { readonly kind: 'refused'; readonly sqlState: string }
  /** Nothing was written; the same batch may succeed when sent again. */
  | { readonly kind: 'transient'; readonly sqlState: string }
  /** Nothing was written: these entities were to be new, and have rows. All such are named. */
  | { readonly kind: 'exists'; readonly entityIds: readonly string[] }
  /** Nothing was written: another owner's row lies where this shard's next row belongs. */
  | { readonly kind: 'conflict'; readonly shard: number }
  /** The connection or the server failed: it is unknown whether it was written. */
  | { readonly kind: 'unknown' };

/** What became of a row that was not acknowledged. */
export type AppendOutcome =
  /** The database refuses it for what it holds, or it was decided on top of such a row. */
  | 'refused'
  /** Not written: its entity was to be new, and has rows. Or it was decided on top of such a row. */
  | 'exists'
  /** Nothing was written, and the shard is another owner's or will be taken anew. */
  | 'not_written'
  /** Written or not: the shard's next epoch tells. */
  | 'unknown';

export class AppendError extends Error {
  override readonly name = 'AppendError';
  readonly failure: AppendFailure;

  constructor(failure: AppendFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Nothing of a flush was written, and the same flush will never be: something in it, or the statement, is refused. */
export class FlushRefusedError extends Error {
  override readonly name = 'FlushRefusedError';
}

/** An entity of which something can't be written: see persistence/flush-around.ts. */
export interface Unwritable {
  readonly entityId: string;
  readonly shard: number;
  readonly what: 'view' | 'wake-up';
  readonly reason: string;
}

/** Where projections are kept: see persistence/projections.ts for what they hold. */
export interface ProjectionStore {
  /** The checkpoint of each shard; 0 for a shard that has none yet. */
  checkpoints(shards: readonly number[]): Promise<Map<number, number>>;
  /** The wake-ups that the checkpoints stand for. */
  wakeUps(
    shards: readonly number[],
  ): Promise<{ readonly shard: number; readonly entityId: string; readonly wakeAt: EpochMs }[]>;
  /**
   * Moves each checkpoint from exactly `from` to `to` and, in the same statement, writes what belongs to the shards
   * whose checkpoint moved. @returns those shards; a missing one has another owner, and nothing of it was written.
   * @throws FlushRefusedError where trying again is no use; any other error: it is unknown whether it was written.
   */
  flush(flush: ProjectionFlush): Promise<ReadonlySet<number>>;
}

export interface ProjectionFlush {
  readonly moves: readonly { readonly shard: number; readonly from: number; readonly to: number }[];
  /** At most one for each entity. */
  readonly changes: readonly ViewChange[];
  readonly wakeUps: readonly { readonly shard: number; readonly entityId: string; readonly wakeAt: EpochMs }[];
  readonly settled: readonly { readonly shard: number; readonly entityId: string }[];
}

/** A worker process as the others know it. */
export interface Member {
  /** New at every start of a worker. */
  readonly workerId: string;
  readonly nodeId: string;
  /** Its place in its node, 0..workers-1: stays when its process is replaced. */
  readonly slot: number;
  /** Of its machine: workers of two machines can't reach each other's sockets. */
  readonly host: string;
  /** Of its Unix socket. */
  readonly socketPath: string;
  readonly pid: number;
  readonly version: string;
  /** It gives its shards away and takes none. */
  readonly draining: boolean;
  /** It was given a broker. Whether other nodes reach it there is `reach`'s to say. */
  readonly hasBroker: boolean;
  /** By the database's clock. Absent in what a worker says of itself. */
  readonly joinedAtMs?: number;
  /** Until its lease ends, by the database's clock when this was read. Absent in what a worker says of itself. */
  readonly leaseLeftMs?: number;
  /** Absent: it doesn't measure, and is taken to reach everybody. */
  readonly reach?: MemberReach;
}

/** What a worker has measured of the ways between it and the others. */
export interface MemberReach {
  /** Members that don't answer it by any way. */
  readonly unreached: readonly string[];
  /** Its own messages come back to it by the broker, over exchange and queue that the others use. */
  readonly hearsBroker: boolean;
  /** It has reached those who serve, and may own shards from then on. */
  readonly admitted: boolean;
  /** Its renewals stopped for a while, a short time ago: it counts less. Older versions don't say. */
  readonly stalled?: boolean;
}

export interface Membership {
  /** Whose lease on life runs, by the database's clock. */
  readonly members: readonly Member[];
  /** By shard; null: no owner. An owner that is no member has lost it. */
  readonly owners: readonly (string | null)[];
}

/** What a renewal found besides. */
export interface Renewal extends Membership {
  /** Members whose lease had ended, evicted by this very call. */
  readonly evicted: readonly Pick<Member, 'workerId' | 'nodeId' | 'host'>[];
  /** The database's clock while it answered. */
  readonly databaseMs: EpochMs;
}

/**
 * Who should own which shard. A member's lease is one row that it renews; a shard's lease lives as long as its owner's.
 * Time is the database's alone. It decides who should own a shard; the log decides who does (JournalStore).
 */
export interface OwnershipStore {
  /** Makes the worker a member, without a shard. */
  join(member: Member, ttlMs: number): Promise<void>;
  /**
   * Prolongs the lease and returns the members. Evicts members whose lease has ended: their sessions with the database
   * are cut, so that no half-sent statement blocks others. Once draining, a member stays so. Undefined: this worker is
   * no member any more.
   */
  renew(workerId: string, ttlMs: number, draining: boolean, reach?: MemberReach): Promise<Renewal | undefined>;
  /** @returns those of `shards` that are this worker's now; the rest is another member's. */
  claim(workerId: string, shards: readonly number[]): Promise<ReadonlySet<number>>;
  /** Gives shards back, for others to claim. */
  release(workerId: string, shards: readonly number[]): Promise<void>;
  /** Ends the worker's own membership; its shards are free. */
  leave(workerId: string): Promise<void>;
  /** Calls when a member joined, left, claimed or released: look again. Best effort. */
  onChange(listener: () => void): void;
}

/** An entity whose row could not be read: its events from that row on are held back. */
export interface HeldEntity {
  readonly entityId: string;
  readonly shard: number;
  readonly seq: number;
  readonly reason: string;
}

/** A life of the database between two restores: what is written in it has epochs and message ids of its own. */
export interface Incarnation {
  /** From 1 on. */
  readonly number: number;
  /** Begins the ids of its messages; empty in one that is older than tags. */
  readonly tag: string;
  /** Rows from this epoch on, up to the next one's, are its own. */
  readonly firstEpoch: number;
  readonly reason: string;
  readonly beganAtMs: EpochMs;
}

/** How far the events of each shard are published. */
export interface RelayStore {
  /** All there are, oldest first. */
  incarnations(): Promise<readonly Incarnation[]>;
  /** 0 for a shard of which nothing was published yet. */
  checkpoints(shards: readonly number[]): Promise<Map<number, number>>;
  /** Never moves one back: what a former owner confirmed late is as true as what its successor did. */
  saveCheckpoints(checkpoints: ReadonlyMap<number, number>): Promise<void>;
  held(shards: readonly number[]): Promise<readonly Omit<HeldEntity, 'reason'>[]>;
  /** Keeps the earlier row where the entity is held already. */
  hold(entity: HeldEntity): Promise<void>;
  release(entityId: string): Promise<void>;
}
