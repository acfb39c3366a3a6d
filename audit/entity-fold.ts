/**
 * Folds one entity's rows, in the order of their versions, and judges each row by what must hold for every kind: dense
 * versions and one shard (invariant 1), a fold that succeeds (3), one row for a command id (8), and the rules of its
 * events. An entity that can't be folded any further is an offender; its remaining rows are still judged by their places.
 */
import { KnownCommands } from '../runtime/entity/known-commands.ts';
import type { EpochMs } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { decodeEvents } from '../persistence/event-codec.ts';
import type { AuditedRow } from '../persistence/postgres/audited-rows.ts';
import type { AuditedKind, BrokenRule } from './audit-definition.ts';
import type { FingerprintSet } from './fingerprint-set.ts';
import type { Findings } from './findings.ts';

/** Command ids that seem to stand in two rows of their entity: certain only after a second look. */
export interface SuspectCommand {
  readonly entityId: string;
  readonly commandId: string;
}

/** What all folds of an audit share. */
export interface FoldContext {
  readonly findings: Findings;
  readonly suspects: SuspectCommand[];
  /** The last seq that the projections of a shard have seen. */
  readonly checkpoints: ReadonlyMap<number, number>;
  /** Used by one entity after the other. */
  readonly commandIds: FingerprintSet;
}

const SUSPECTS_MAX = 1_000;

export class EntityFold {
  readonly kind: AuditedKind;
  readonly entityId: string;
  state: unknown;
  /** Of the last row folded into `state`; 0 before the first. */
  version = 0;
  /** False once a row could not be folded: `state` then stands before it. */
  readable = true;
  first: AuditedRow | undefined;
  last: AuditedRow | undefined;
  /** Since when, without a break, something was outstanding; undefined while nothing is. */
  outstandingSince: EpochMs | undefined;
  /** The last version within its shard's checkpoint, and the wake-up that its row asks for. */
  projectedVersion = 0;
  projectedWakeAt: EpochMs | null = null;

  /** The fingerprinted command ids, as the entity itself remembers them. */
  readonly known: KnownCommands;
  readonly #context: FoldContext;

  constructor(kind: AuditedKind, entityId: string, context: FoldContext) {
    this.kind = kind;
    this.entityId = entityId;
    this.known = new KnownCommands(kind.limits.knownCommandsMax);
    this.state = kind.decider.initial(entityId);
    this.#context = context;
    context.commandIds.clear();
  }

  /** It has rows. The rows of an id that was only claimed make no entity: see `decider.exists`. */
  get exists(): boolean {
    return this.last !== undefined;
  }

  /** True when the row lies beyond what its shard's projections have seen. */
  isBeyondCheckpoint(row: AuditedRow): boolean {
    return row.seq > (this.#context.checkpoints.get(row.shard) ?? 0);
  }

  apply(row: AuditedRow): void {
    this.#judgePlace(row);
    this.first ??= row;
    this.last = row;
    if (!this.#context.commandIds.add(row.commandId) && this.#context.suspects.length < SUSPECTS_MAX) {
      this.#context.suspects.push({ entityId: this.entityId, commandId: row.commandId });
    }
    if (this.readable) this.#fold(row);
    if (this.isBeyondCheckpoint(row)) return;
    this.projectedWakeAt = row.wakeAt;
    if (this.readable) this.projectedVersion = row.version;
  }

  /** Reports the last row unless it wants to be woken exactly where the state after it still waits for something. */
  judgeWakeUp(): void {
    if (!this.readable || !this.last) return;
    const waits = this.outstandingSince !== undefined || this.kind.decider.deadline(this.state) !== undefined;
    if (waits === (this.last.wakeAt !== null)) return;
    this.report(
      6,
      this.last,
      waits ? 'a wake-up: something is outstanding' : 'no wake-up: nothing is outstanding',
      waits ? 'none' : 'one',
    );
  }

  reportBroken(row: AuditedRow | undefined, { invariant, expected, found }: BrokenRule): void {
    this.report(invariant, row, expected, found);
  }

  report(
    invariant: Parameters<Findings['report']>[0],
    row: AuditedRow | undefined,
    expected: string,
    found: string,
  ): void {
    const place = row && { shard: row.shard, seq: row.seq };
    this.#context.findings.report(invariant, { entityId: this.entityId, ...place, expected, found });
  }

  #judgePlace(row: AuditedRow): void {
    const { last } = this;
    const expected = (last?.version ?? 0) + 1;
    if (row.version !== expected) this.report(1, row, `version ${expected}`, `version ${row.version}`);
    if (!last) return;
    if (row.shard !== last.shard) this.report(1, row, `shard ${last.shard}, as the rows before`, `shard ${row.shard}`);
    else if (row.seq <= last.seq)
      this.report(1, row, `a seq after ${last.seq}, where version ${last.version} lies`, `seq ${row.seq}`);
    if (row.epoch < last.epoch && row.shard === last.shard)
      this.report(1, row, `epoch ${last.epoch} or later`, `epoch ${row.epoch}`);
  }

  #fold(row: AuditedRow): void {
    const { decider, events, audit } = this.kind;
    try {
      for (const event of decodeEvents(row.events, events)) {
        const broken = audit?.brokenByEvent?.(this.state, event, row.at);
        if (broken) this.reportBroken(row, broken);
        this.state = decider.evolve(this.state, event, row.at);
      }
      if (row.fingerprint !== null) this.known.remember(row.commandId, row.fingerprint);
      this.version = row.version;
    } catch (error) {
      // Also a TypeError: an event whose data is not of its form.
      this.readable = false;
      this.report(3, row, 'a row that follows from the ones before', messageOf(error));
      return;
    }
    const waits = decider.outstanding(this.state).length > 0;
    this.outstandingSince = waits ? (this.outstandingSince ?? row.at) : undefined;
  }
}
