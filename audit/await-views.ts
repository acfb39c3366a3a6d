/**
 * Read models behind their journal: a running node's are, by the fraction of a second of its last flush. So they are
 * looked at again until they have come as far as the log was in the audit's picture, or nothing moves them any more.
 */
import { systemClock } from '../kernel/clock.ts';
import { withClient } from '../persistence/postgres/connection.ts';
import type { Findings } from './findings.ts';

/** A flush that fails for a moment, or one of thousands of entities, takes less. */
export const VIEWS_STILL_MS = 10_000;
const POLL_MS = 100;

interface Look {
  readonly checkpoints: ReadonlyMap<number, number>;
  /** Somebody is there who could move them. */
  readonly members: number;
}

/** Reports each shard whose views stay behind. @param ends the last seq of each shard's log, in the picture. */
export async function judgeViewsBehind(
  databaseUrl: string,
  checkpoints: ReadonlyMap<number, number>,
  ends: ReadonlyMap<number, number>,
  findings: Findings,
  stillMs: number,
): Promise<void> {
  let seen = checkpoints;
  const behind = (): [shard: number, end: number][] => [...ends].filter(([shard, end]) => (seen.get(shard) ?? 0) < end);
  if (behind().length === 0) return;
  await withClient(databaseUrl, 'holdfast/audit', async (client) => {
    const look = async (): Promise<Look> => {
      const { rows } = await client.query<{ shard: number; seq: number }>(
        'SELECT shard, seq FROM projection_checkpoints',
      );
      const living = await client.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM members WHERE expires_at > clock_timestamp()',
      );
      return { checkpoints: new Map(rows.map(({ shard, seq }) => [shard, seq])), members: living.rows[0]!.count };
    };
    const sum = (): number => behind().reduce((total, [shard]) => total + (seen.get(shard) ?? 0), 0);
    let movedMs = systemClock.monotonicMs();
    for (;;) {
      const before = [behind().length, sum()].join();
      const { checkpoints: now, members } = await look();
      seen = now;
      if (behind().length === 0 || members === 0) break;
      if ([behind().length, sum()].join() !== before) movedMs = systemClock.monotonicMs();
      if (systemClock.monotonicMs() - movedMs >= stillMs) break;
      await systemClock.sleep(POLL_MS);
    }
  });
  for (const [shard, end] of behind()) {
    const seq = seen.get(shard) ?? 0;
    findings.report(3, {
      entityId: `shd_${shard}`,
      shard,
      seq,
      expected: `views at seq ${end}, where its log ended`,
      found: `views that are ${end - seq} rows behind, and nothing moves them: start a node, or see its log`,
    });
  }
}
