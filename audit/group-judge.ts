/**
 * Judges the entities of one routing key together: all belong to a root entity, they settle (invariant 6), what the
 * kinds say must hold between them once they have settled, and what they contribute to or settle with other kinds.
 */
import type { EpochMs } from '../kernel/clock.ts';
import type { AuditedKind, Settles } from './audit-definition.ts';
import type { AuditedKinds, KindGroup } from './audited-kinds.ts';
import type { EntityFold } from './entity-fold.ts';
import type { Findings } from './findings.ts';
import { KindTally } from './kind-tally.ts';
import { Ledger } from './ledger.ts';
import type { Suspect, Suspicion } from './name-claims.ts';
import { withArticle } from './view-rules.ts';

export interface JudgeOptions {
  readonly takenAt: EpochMs;
  /** An entity that is unsettled for less than this is pending, not wrong. */
  readonly settleGraceMs: number;
}

/** What all groups of an audit share. */
export class Accounts {
  readonly tallies: ReadonlyMap<AuditedKind, KindTally>;
  /** By the kind that settles. */
  readonly ledgers: ReadonlyMap<string, Ledger>;

  constructor({ all }: AuditedKinds) {
    this.tallies = new Map(all.map((kind) => [kind, new KindTally()]));
    this.ledgers = new Map(all.filter(({ audit }) => audit?.settles).map(({ kind }) => [kind, new Ledger()]));
  }
}

/** What is kept for the second look: beyond these the entity alone is named. */
const SUSPECTS_MAX = 10;
const SUSPECT_CLAIMS_MAX = 500_000;

export class GroupJudge {
  readonly #group: KindGroup;
  readonly #accounts: Accounts;
  readonly #findings: Findings;
  readonly #options: JudgeOptions;
  readonly #suspects = new Map<AuditedKind, Suspect[]>();
  #suspectClaims = 0;

  constructor(group: KindGroup, accounts: Accounts, findings: Findings, options: JudgeOptions) {
    this.#group = group;
    this.#accounts = accounts;
    this.#findings = findings;
    this.#options = options;
  }

  tallyOf(kind: AuditedKind): KindTally {
    return this.#accounts.tallies.get(kind)!;
  }

  /** @param folds of all kinds of the group, in its order: the root's first */
  judge(key: string, folds: readonly EntityFold[]): void {
    const root = folds[0]!;
    for (const fold of folds) this.#count(fold);
    this.#judgeSettlement(root, folds);
    for (const fold of folds) {
      this.#judgeEnd(fold);
      this.#contribute(fold, root);
      this.#settle(key, fold);
    }
  }

  /** After the last group: what was contributed to entities that are not there. */
  end(): void {
    for (const { kind, prefix, audit } of this.#group.kinds) {
      const { settles } = audit ?? {};
      if (!settles) continue;
      for (const [key, sum] of this.#accounts.ledgers.get(kind)!.unsettled()) {
        const expected = settles.words.holder(sum);
        this.#findings.report(settles.invariant, { entityId: prefix + key, expected, found: 'none' });
      }
    }
  }

  /** What needs a second look. */
  suspicions(kinds: AuditedKinds): Suspicion[] {
    return [...this.#suspects].map(([holder, suspects]) => ({
      holder,
      settles: holder.audit!.settles!,
      contributors: kinds.contributorsTo(holder),
      ledger: this.#accounts.ledgers.get(holder.kind)!,
      suspects,
    }));
  }

  #count(fold: EntityFold): void {
    if (!fold.exists) return;
    const tally = this.tallyOf(fold.kind);
    tally.entities++;
    const { decider, audit } = fold.kind;
    if (audit?.status && decider.exists(fold.state)) tally.countStatus(audit.status(fold.state));
  }

  #judgeSettlement(root: EntityFold, folds: readonly EntityFold[]): void {
    if (!root.readable) return;
    if (!root.kind.decider.exists(root.state)) {
      for (const other of folds) {
        if (other !== root && other.exists)
          other.report(6, other.first, `${withArticle(root.kind.kind)} that it belongs to`, 'none');
      }
      return;
    }
    if (!this.#isSettled(root) || !folds.every(({ readable }) => readable)) return;
    // While a root waits its members may as well; once it has settled they must have, too.
    let settled = true;
    for (const other of folds) settled = (other === root || this.#isSettled(other)) && settled;
    const { audit } = root.kind;
    if (!settled || !audit?.brokenBetween) return;
    const states = Object.fromEntries(folds.map(({ kind, state }) => [kind.kind, state]));
    for (const broken of audit.brokenBetween(root.state, states)) root.reportBroken(root.last, broken);
  }

  /** Reports an entity that is unsettled for longer than the grace. */
  #isSettled(fold: EntityFold): boolean {
    const since = fold.outstandingSince;
    if (since === undefined) return true;
    const { kind, audit } = fold.kind;
    if (this.#options.takenAt - since <= this.#options.settleGraceMs) this.tallyOf(fold.kind).pending++;
    else {
      const status = audit?.status ? `${audit.status(fold.state)}, ` : '';
      fold.report(6, fold.last, `a settled ${kind}`, `${status}unsettled since ${new Date(since).toISOString()}`);
    }
    return false;
  }

  #judgeEnd(fold: EntityFold): void {
    if (!fold.readable) return;
    const broken = fold.kind.audit?.brokenAtEnd?.(fold.state);
    if (broken) fold.reportBroken(fold.last, broken);
  }

  #contribute(fold: EntityFold, root: EntityFold): void {
    const contributes = fold.kind.audit?.contributes;
    if (!contributes) return;
    const ledger = this.#accounts.ledgers.get(contributes.to)!;
    const unsure = !root.readable || !fold.readable || contributes.isMoving(fold.state, root.state);
    if (unsure) ledger.excuse(fold.entityId);
    else ledger.expect(fold.entityId, contributes.of(fold.state));
  }

  #settle(key: string, fold: EntityFold): void {
    const settles = fold.kind.audit?.settles;
    if (!settles) return;
    const ledger = this.#accounts.ledgers.get(fold.kind.kind)!;
    if (!fold.readable) {
      ledger.forget(key);
      return;
    }
    const difference = ledger.settle(key, settles.open(fold.state));
    if (difference && !this.#suspect(key, fold, settles)) {
      const { words, invariant } = settles;
      fold.report(invariant, fold.last, words.wantedSum(difference.expected), words.openSum(difference.found));
    }
  }

  /** @returns false when there is no room to name what is wrong with it. */
  #suspect(key: string, { kind, state }: EntityFold, settles: Settles): boolean {
    const claims = new Map(settles.open(state));
    this.#suspectClaims += claims.size;
    const suspects = this.#suspects.get(kind) ?? [];
    if (suspects.length >= SUSPECTS_MAX || this.#suspectClaims > SUSPECT_CLAIMS_MAX) return false;
    this.#suspects.set(kind, [...suspects, { key, claims }]);
    return true;
  }
}
