/** The form of a violation. */

export interface Violation {
  /** A short name that stays the same: `lost_order`. */
  readonly rule: string;
  /** Where it was found: an order, a product, a shard. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

/** Collects them. */
export class Violations {
  readonly list: Violation[] = [];

  add(rule: string, subject: string, expected: string, found: string): void {
    this.list.push({ rule, subject, expected, found });
  }
}
