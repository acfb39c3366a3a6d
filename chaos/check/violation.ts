/** Owns the form of what is wrong. */

export interface Violation {
  /** A short name that stays the same: `lost_order`. */
  readonly rule: string;
  /** What it was found at: an order, a product, a shard. */
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
