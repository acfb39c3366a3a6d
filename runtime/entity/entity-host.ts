/** What an entity's shell asks of the worker around it. The shard region is the one implementation. */
import type { Logger } from 'pino';
import type { OutsideCall } from '../../kernel/decider.ts';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import type { StuckAmongMany } from '../../kernel/stuck-among-many.ts';
import type { AppendEntry } from '../../persistence/journal.ts';
import type { Snapshot, StoredEntity } from '../../persistence/ports.ts';
import type { ProjectedRow } from '../../persistence/projections.ts';
import type { CommittedRow } from './log-follower.ts';
import type { Answer, Ask, ShardAnswer } from '../ask.ts';
import type { EntityShell } from './entity-shell.ts';

/** Told exactly once. */
export type Reply = (answer: Answer) => void;
/** Told exactly once, by the worker that was asked. */
export type ShardReply = (answer: ShardAnswer) => void;

export interface EntityHost {
  readonly clock: Clock;
  readonly log: Logger;
  /** Of entities: those that are tried again and again. */
  readonly steps: Pick<StuckAmongMany<object>, 'failed' | 'over'>;
  append(entry: AppendEntry): void;
  /** Reads what the journal holds of an entity. Rejects when it can't be read now. */
  recover(shell: EntityShell, withSnapshot: boolean): Promise<StoredEntity | undefined>;
  /** `fresh`: the sender knows that the receiver has no rows, so nothing need be read. */
  send(ask: Ask, fresh: boolean, reply: Reply): void;
  /** Rejects when the outcome is in doubt. */
  callOutside(port: string, call: OutsideCall): Promise<unknown>;
  /** A row of the entity is durable. */
  project(row: ProjectedRow & CommittedRow): void;
  saveSnapshot(snapshot: Snapshot): void;
  /** False: another worker may own the entity's shard by now, so what is in memory may be old. */
  mayAnswer(): boolean;
  /** The shell could do nothing with a message, and goes on. */
  refused(shell: EntityShell, error: Error): void;
  /** A shell took its entity for new, and it is not. */
  existed(): void;
  /** The shell has read its entity. */
  recovered(shell: EntityShell): void;
  /** The entity was woken and waits for nothing: the read models say otherwise, and are wrong. */
  wokenInVain(shell: EntityShell): void;
  /** The shell has left the entity: the next message starts a new one. */
  gone(shell: EntityShell): void;
  /** Wakes the entity then, in memory or not, instead of at the time that was set before. */
  wakeAt(entityId: string, at: EpochMs): void;
}
