/**
 * A kind of actor as the audit takes it. Every kind is proved by the general rules: dense versions, a fold that succeeds,
 * wake-ups, snapshots, one row for a command id. `AuditDefinition` adds what only the kind knows, as data and pure
 * functions. Definitions are read once, at the start of an audit.
 */
import type { EpochMs } from '../kernel/clock.ts';
import type { DomainEvent } from '../kernel/decider.ts';
import type { EntityType } from '../runtime/entity/entity-type.ts';
import type { AuditedInvariant } from './findings.ts';

export interface BrokenRule {
  readonly invariant: AuditedInvariant;
  readonly expected: string;
  readonly found: string;
}

export function broken(invariant: AuditedInvariant, expected: string, found: string): BrokenRule {
  return { invariant, expected, found };
}

/** [routing key of the entity that must say the same, amount] */
export type Contribution = readonly [key: string, amount: number];

/** [id of the entity that contributes, amount] */
export type Claim = readonly [contributor: string, amount: number];

/** All that is wanted of one holder, or that it has open. */
export interface LedgerSum {
  readonly count: number;
  readonly amount: number;
}

/** The states of a group (the entities with one routing key), by kind; of an entity without rows the initial state. */
export type GroupStates = Readonly<Record<string, unknown>>;

/** Methods, so that a definition typed by its own state fits where the engine passes back what came from it. */
export interface AuditDefinition<State = unknown, Event extends DomainEvent = DomainEvent> {
  /** What a routing key looks like; any text that is not empty, if left out. Only for kinds that have keys of their own. */
  readonly idForm?: 'uuid';
  /**
   * The invariant that an event would break in a state, before it is folded; `at` is the time of its row. Written from
   * the invariants and not from the decider, so that a mistake in a decider shows here.
   */
  brokenByEvent?(state: State, event: Event, at: EpochMs): BrokenRule | undefined;
  /** What is wrong with the state after all rows. */
  brokenAtEnd?(state: State): BrokenRule | undefined;
  /** What is wrong between the entities of a group that has settled. Only for kinds that others are routed by. */
  brokenBetween?(state: State, group: GroupStates): readonly BrokenRule[];
  /** Names the state: reports count the entities by it. */
  status?(state: State): string;
  /** The state with Maps and plain values only, where it has parts of another form: snapshots are compared so. */
  comparable?(state: State): unknown;
  readonly view?: AuditedView<State>;
  readonly contributes?: Contributes<State>;
  readonly settles?: Settles<State>;
  readonly report?: ReportPart;
}

/** The rows that an entity has in a read model, compared with its fold at the version that the rows name. */
export interface AuditedView<State = unknown> {
  readonly table: string;
  /** As findings name them -> as the table does. Every view has `shard` and `version` as well. */
  readonly columns: Readonly<Record<string, string>>;
  /** The member of `columns` that holds the routing key. */
  readonly key: string;
  /** The member that tells the rows of an entity apart; absent where it has one. */
  readonly rowKey?: string;
  /** The member that holds JSON as text. */
  readonly json?: string;
  /** Without the key, shard and version; none for an entity that the view does not show. */
  rows(state: State, place: AuditedViewPlace): readonly Readonly<Record<string, unknown>>[];
}

export interface AuditedViewPlace {
  readonly firstSeq: number;
  /** The time of the row that the view shows. */
  readonly at: EpochMs;
  readonly settled: boolean;
}

/** What entities of this kind say that entities of another kind hold for them. */
export interface Contributes<State = unknown> {
  /** The kind that settles it. */
  readonly to: string;
  of(state: State): readonly Contribution[];
  /** True while its contributions may be there or not: they are neither right nor wrong. @param root of its group */
  isMoving(state: State, root: unknown): boolean;
  /** An entity that contributes nothing any more, and of which `amount` still stands with `key`. */
  leftOver(state: State, key: string, amount: number): BrokenRule;
}

/** What an entity of this kind holds for entities of another kind. */
export interface Settles<State = unknown> {
  readonly invariant: AuditedInvariant;
  open(state: State): Iterable<Claim>;
  /** How findings name it. */
  readonly words: {
    wanted(amount: number, contributor: string): string;
    other(amount: number): string;
    /** Of what nothing contributes. */
    readonly unwanted: string;
    /** Of all that is wanted of one holder, and of all that it has open. */
    wantedSum(sum: LedgerSum): string;
    openSum(sum: LedgerSum): string;
    /** An entity that must be there and is not. */
    holder(sum: LedgerSum): string;
  };
}

/** What was counted of a kind. */
export interface KindCounts {
  readonly entities: number;
  readonly byStatus: ReadonlyMap<string, number>;
  /** Unsettled, but for less than the grace. */
  readonly pending: number;
  readonly snapshots: number;
  readonly snapshotsIgnored: number;
}

/** What the report says of a kind: members of the totals in JSON, and one line of the text. */
export interface ReportPart {
  totals(counts: KindCounts): Readonly<Record<string, unknown>>;
  readonly title: string;
  /** @param number formats one for people */
  line(counts: KindCounts, number: (value: number) => string): string;
}

/** The part of an actor's definition that an audit needs: it never decides. */
export interface AuditedKind extends Pick<
  EntityType,
  'kind' | 'prefix' | 'routedBy' | 'decider' | 'events' | 'limits'
> {
  readonly audit?: AuditDefinition;
}
