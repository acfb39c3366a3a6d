/** The port to whoever follows the logs of the shards that are served here, row by row: the event relay. */
import type { DomainEvent } from '../../kernel/decider.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { ShardHead } from '../../persistence/ports.ts';

/** A row that is durable, with its events. */
export interface CommittedRow {
  readonly shard: number;
  readonly seq: number;
  readonly entityId: string;
  readonly version: number;
  readonly commandId: string;
  readonly at: EpochMs;
  /** As in the row's meta. */
  readonly traceparent?: string | undefined;
  readonly events: readonly DomainEvent[];
}

/** Must neither throw nor take long: it is called between a commit and its answers. */
export interface LogFollower {
  /** The shard is served here; `head` is its epoch row, and what comes next lies in the same epoch. */
  own(shard: number, head: ShardHead): void;
  disown(shard: number): void;
  /** Of an owned shard, in the order of its log, without a hole. */
  committed(row: CommittedRow): void;
}
