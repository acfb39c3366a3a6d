/**
 * Reads what is stored of the kinds of one group (rows, wake-ups, views, snapshots) as streams side by side, merged by
 * the routing key, and judges one group of entities at a time. Holds one batch of each stream and the states of one
 * group; rows stream through.
 */
import { PREFIX_LENGTH } from '../kernel/entity-id.ts';
import type { AuditReader } from '../persistence/postgres/audit-reader.ts';
import type {
  AuditedRow,
  AuditedSnapshot,
  AuditedViewRow,
  AuditedWakeUp,
} from '../persistence/postgres/audited-rows.ts';
import type { AuditedKind, AuditedView } from './audit-definition.ts';
import type { KindGroup } from './audited-kinds.ts';
import { EntityFold, type FoldContext } from './entity-fold.ts';
import type { GroupJudge } from './group-judge.ts';
import type { KindTally } from './kind-tally.ts';
import { isOfThisSchema, judgeSnapshot, judgeSnapshotPlace } from './snapshot-rules.ts';
import { smallestKey, SortedStream } from './sorted-stream.ts';
import { ViewCheck } from './view-rules.ts';
import { judgeStoredWakeUp } from './wake-up-rules.ts';

const PROGRESS_EVERY_ROWS = 1_000;

/** What the passes over all groups have read. */
export interface PassTotals {
  rows: number;
  rowsBeyondCheckpoints: number;
}

/** One kind's streams, and what folds them. */
class KindStreams {
  readonly kind: AuditedKind;
  readonly #rows: SortedStream<AuditedRow>;
  readonly #wakeUps: SortedStream<AuditedWakeUp>;
  readonly #view: AuditedView | undefined;
  readonly #views: SortedStream<AuditedViewRow> | undefined;
  readonly #snapshots: SortedStream<AuditedSnapshot> | undefined;

  constructor(kind: AuditedKind, group: KindGroup, reader: AuditReader) {
    const keyOf = ({ entityId }: { readonly entityId: string }): string => entityId.slice(PREFIX_LENGTH);
    this.kind = kind;
    this.#rows = new SortedStream(reader.rows(kind.prefix), keyOf);
    this.#wakeUps = new SortedStream(reader.wakeUps(kind.prefix), keyOf);
    const view = (this.#view = kind.audit?.view);
    this.#views =
      view && new SortedStream(reader.view(view, group.root.audit?.idForm), (row) => row[view.key] as string);
    this.#snapshots = kind.decider.snapshot && new SortedStream(reader.snapshots(kind.prefix), keyOf);
  }

  get all(): { key(): Promise<string | undefined> }[] {
    return [this.#rows, this.#wakeUps, this.#views, this.#snapshots].filter((stream) => stream !== undefined);
  }

  /** Folds and judges the entity by itself. */
  async fold(key: string, context: FoldContext, tally: KindTally, row: (beyond: boolean) => void): Promise<EntityFold> {
    const fold = new EntityFold(this.kind, this.kind.prefix + key, context);
    const view = this.#view && new ViewCheck(this.#view, fold, await this.#views!.take(key));
    const [snapshot] = this.#snapshots ? await this.#snapshots.take(key) : [];
    const comparesSnapshot = snapshot !== undefined && isOfThisSchema(fold, snapshot);
    await this.#rows.each(key, (stored) => {
      const beyond = fold.isBeyondCheckpoint(stored);
      if (beyond) view?.atCheckpoint();
      fold.apply(stored);
      view?.folded();
      if (comparesSnapshot && fold.readable && fold.version === snapshot.version) {
        tally.snapshots++;
        judgeSnapshot(fold, snapshot);
      }
      row(beyond);
    });
    view?.atCheckpoint();
    if (snapshot) {
      if (!comparesSnapshot) tally.snapshotsIgnored++;
      judgeSnapshotPlace(fold, snapshot);
    }
    fold.judgeWakeUp();
    judgeStoredWakeUp(fold, (await this.#wakeUps.take(key))[0]);
    return fold;
  }
}

/** @param progress is called now and then */
export async function passOverGroup(
  group: KindGroup,
  reader: AuditReader,
  context: FoldContext,
  judge: GroupJudge,
  totals: PassTotals,
  progress: () => void,
): Promise<void> {
  const kinds = group.kinds.map((kind) => new KindStreams(kind, group, reader));
  const streams = kinds.flatMap(({ all }) => all);
  const countRow = (beyond: boolean): void => {
    if (beyond) totals.rowsBeyondCheckpoints++;
    if (++totals.rows % PROGRESS_EVERY_ROWS === 0) progress();
  };
  for (;;) {
    const key = await smallestKey(streams);
    if (key === undefined) break;
    const folds: EntityFold[] = [];
    for (const streamsOfKind of kinds)
      folds.push(await streamsOfKind.fold(key, context, judge.tallyOf(streamsOfKind.kind), countRow));
    judge.judge(key, folds);
  }
  judge.end();
}
