/**
 * The second look at entities that hold something else than others contribute: reads the contributors once more and
 * names each claim that is missing, surplus or of another amount. Keeps the claims of the suspects only.
 */
import type { AuditReader } from '../persistence/postgres/audit-reader.ts';
import type { AuditedKind, Settles } from './audit-definition.ts';
import { EntityFold, type FoldContext } from './entity-fold.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { Findings } from './findings.ts';
import type { Ledger } from './ledger.ts';
import { SortedStream } from './sorted-stream.ts';

/** An entity whose open claims differ from what was contributed. */
export interface Suspect {
  readonly key: string;
  /** Amounts by contributor. */
  readonly claims: ReadonlyMap<string, number>;
}

/** A kind that settles, with those that contribute to it, and what to look at again. */
export interface Suspicion {
  readonly holder: AuditedKind;
  readonly settles: Settles;
  readonly contributors: readonly AuditedKind[];
  readonly ledger: Ledger;
  readonly suspects: readonly Suspect[];
}

export async function nameClaims(reader: AuditReader, suspicion: Suspicion, findings: Findings): Promise<void> {
  const { holder, settles, contributors, ledger, suspects } = suspicion;
  const left = new Map(suspects.map(({ key, claims }) => [key, new Map(claims)]));
  // The first look has reported what is wrong with the contributors themselves.
  const silent: FoldContext = {
    findings: new Findings(),
    suspects: [],
    checkpoints: new Map(),
    commandIds: new FingerprintSet(),
  };
  for (const kind of contributors) {
    const rows = new SortedStream(reader.rows(kind.prefix), ({ entityId }) => entityId);
    for (;;) {
      const contributor = await rows.key();
      if (contributor === undefined) break;
      const fold = new EntityFold(kind, contributor, silent);
      await rows.each(contributor, (row) => fold.apply(row));
      if (!ledger.isExcused(contributor)) nameClaimsOf(fold, suspicion, left, findings);
    }
  }
  for (const [key, claims] of left) {
    for (const [contributor, amount] of claims) {
      if (ledger.isExcused(contributor)) continue;
      findings.report(settles.invariant, {
        entityId: holder.prefix + key,
        expected: settles.words.unwanted,
        found: settles.words.wanted(amount, contributor),
      });
    }
  }
}

/** Takes the contributor's own claims out of `left`; what stays has no contributor. */
function nameClaimsOf(
  { kind, entityId: contributor, state }: EntityFold,
  { holder, settles }: Suspicion,
  left: ReadonlyMap<string, Map<string, number>>,
  findings: Findings,
): void {
  const contributes = kind.audit!.contributes!;
  const contributions = contributes.of(state);
  for (const [key, amount] of contributions) {
    const claims = left.get(key);
    if (!claims) continue;
    const claimed = claims.get(contributor);
    claims.delete(contributor);
    if (claimed === amount) continue;
    findings.report(settles.invariant, {
      entityId: holder.prefix + key,
      expected: settles.words.wanted(amount, contributor),
      found: claimed === undefined ? 'none' : settles.words.other(claimed),
    });
  }
  if (contributions.length > 0 || !kind.decider.exists(state)) return;
  for (const [key, claims] of left) {
    const amount = claims.get(contributor);
    if (amount === undefined) continue;
    const { invariant, expected, found } = contributes.leftOver(state, key, amount);
    findings.report(invariant, { entityId: contributor, expected, found });
  }
}
