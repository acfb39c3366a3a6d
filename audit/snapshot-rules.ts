/** A stored snapshot against the fold at its version (invariant 3), for every kind that keeps snapshots. */
import { messageOf } from '../kernel/errors.ts';
import type { AuditedSnapshot } from '../persistence/postgres/audited-rows.ts';
import type { SnapshotContent } from '../runtime/entity/fold-entity.ts';
import type { EntityFold } from './entity-fold.ts';
import { described, firstDifference } from './first-difference.ts';

/** True when the snapshot is of this build's schema: the runtime ignores others as well. */
export function isOfThisSchema({ kind }: EntityFold, { schema }: AuditedSnapshot): boolean {
  return schema === kind.decider.snapshot?.schema;
}

/** Called while the fold stands at the snapshot's version. */
export function judgeSnapshot(fold: EntityFold, snapshot: AuditedSnapshot): void {
  const { decider, audit } = fold.kind;
  const comparable = (state: unknown): unknown => (audit?.comparable ? audit.comparable(state) : state);
  let stored: { state: unknown; known: ReadonlyMap<string, string> };
  try {
    const content = JSON.parse(snapshot.state) as SnapshotContent;
    stored = {
      state: comparable(decider.snapshot!.decode(content.state, fold.entityId)),
      known: new Map(content.known),
    };
  } catch (error) {
    fold.report(3, fold.last, `a snapshot at version ${snapshot.version} that can be read`, messageOf(error));
    return;
  }
  const folded = { state: comparable(fold.state), known: new Map(fold.known.entries()) };
  const difference = firstDifference(folded, stored, 'snapshot');
  if (!difference) return;
  const { expected, found } = described(difference);
  fold.report(3, fold.last, expected, found);
}

/** Called after the last row. */
export function judgeSnapshotPlace(fold: EntityFold, { version, shard }: AuditedSnapshot): void {
  const last = fold.last?.version ?? 0;
  if (version > last) fold.report(3, fold.last, `a snapshot at version ${last} or before`, `one at version ${version}`);
  else if (shard !== fold.last?.shard)
    fold.report(3, fold.last, `a snapshot of shard ${fold.last?.shard}`, `one of shard ${shard}`);
}
