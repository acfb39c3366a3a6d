/** What an audit counts of one kind. */
import type { KindCounts } from './audit-definition.ts';

export class KindTally implements KindCounts {
  entities = 0;
  readonly byStatus = new Map<string, number>();
  pending = 0;
  snapshots = 0;
  snapshotsIgnored = 0;

  countStatus(status: string): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
  }
}
