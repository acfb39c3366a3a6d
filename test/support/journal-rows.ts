/** Rows for tests of the journal, with everything that a test doesn't care about filled in. */
import type { JournalRow, JournalStore, PendingRow, ShardHead } from '../../persistence/ports.ts';

export const ROW_AT = 1_700_000_000_123;

export function pendingRow(
  shard: number,
  entityId: string,
  version: number,
  changes: Partial<PendingRow> = {},
): PendingRow {
  return {
    shard,
    entityId,
    version,
    commandId: `command-${version}`,
    wakeAt: null,
    events: JSON.stringify([{ type: 'Happened', version }]),
    meta: null,
    at: ROW_AT + version,
    ...changes,
  };
}

/** Rows behind a shard's head, in the order given. */
export function placed(head: ShardHead, rows: readonly PendingRow[]): JournalRow[] {
  return rows.map((row, index) => ({ ...row, seq: head.seq + 1 + index, epoch: head.epoch }));
}

/** Takes one shard. */
export async function take(store: JournalStore, shard: number): Promise<ShardHead> {
  const heads = await store.takeShards([shard], ROW_AT);
  return heads.get(shard)!;
}

/** Everything that a shard's log holds. */
export function wholeLog(store: JournalStore, shard: number): Promise<JournalRow[]> {
  return store.readShard(shard, 0, 1_000_000);
}
