/** The rows of the database as an audit reads them: the columns as they are stored, nothing interpreted. */
import type { EpochMs } from '../../kernel/clock.ts';
import type { JournalRow } from '../ports.ts';

export interface AuditedRow extends Omit<JournalRow, 'meta'> {
  /** Of what was sent under the command id, where that is remembered. */
  readonly fingerprint: string | null;
}

/** A row in its shard's log; events only where they tell of the shard itself. */
export interface AuditedPlace {
  readonly shard: number;
  readonly seq: number;
  readonly epoch: number;
  readonly entityId: string;
  readonly version: number;
  readonly events: string | null;
}

/** A row of a read model, by the names of its definition. */
export interface AuditedViewRow {
  readonly shard: number;
  readonly version: number;
  readonly [member: string]: unknown;
}

export interface AuditedSnapshot {
  readonly entityId: string;
  readonly shard: number;
  readonly version: number;
  readonly schema: number;
  /** JSON text. */
  readonly state: string;
}

export interface AuditedWakeUp {
  readonly entityId: string;
  readonly shard: number;
  readonly wakeAt: EpochMs;
}

/** On the list of entities set apart. */
export interface AuditedApart {
  readonly entityId: string;
  readonly shard: number;
  readonly reason: string;
}
