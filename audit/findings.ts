/**
 * The invariants that an audit can prove (ARCHITECTURE.md section 9), and what it found against them: every violation is
 * counted, the first ones of each invariant are kept with who and where.
 */
export const AUDITED_INVARIANTS = {
  1: 'seq is dense per shard, version per entity; epochs never fall',
  3: 'the journal replays; snapshots and read models equal its fold',
  4: 'onHand = available + held, none below zero; held = the sum of open holds',
  5: '0 <= refunded <= captured <= authorized; captured or voided, never both',
  6: 'every accepted order settles; a cancelled one leaves nothing held or charged',
  7: 'a reservation ends at most once',
  8: 'a command id has one outcome; one hold per reservation and product',
} as const;

export type AuditedInvariant = keyof typeof AUDITED_INVARIANTS;

export interface Offender {
  readonly entityId: string;
  readonly shard?: number;
  readonly seq?: number;
  readonly expected: string;
  readonly found: string;
}

const OFFENDERS_KEPT_MAX = 10;

export class Findings {
  readonly #violations = new Map<AuditedInvariant, { count: number; offenders: Offender[] }>();

  report(invariant: AuditedInvariant, offender: Offender): void {
    let violation = this.#violations.get(invariant);
    if (!violation) this.#violations.set(invariant, (violation = { count: 0, offenders: [] }));
    violation.count++;
    if (violation.offenders.length < OFFENDERS_KEPT_MAX) violation.offenders.push(offender);
  }

  countOf(invariant: AuditedInvariant): number {
    return this.#violations.get(invariant)?.count ?? 0;
  }

  offendersOf(invariant: AuditedInvariant): readonly Offender[] {
    return this.#violations.get(invariant)?.offenders ?? [];
  }

  get violated(): AuditedInvariant[] {
    return [...this.#violations.keys()].sort((a, b) => a - b);
  }
}
