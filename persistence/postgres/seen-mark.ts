/**
 * Owns the comparison of a journal with what was seen of it. A disk, a virtual machine or a data folder that is put back
 * to an earlier state keeps cluster, database and timeline; only what left the database tells that rows are gone. So the
 * heads of all shards are kept elsewhere (messaging/rabbitmq/mark-queue.ts), and a start looks whether they are there.
 */
import { z } from 'zod';
import { readDeployment, type Queries } from './incarnations.ts';

/** Below the largest int by far more than one incarnation takes: a mark is read from outside. */
const EPOCH_MAX = 2_000_000_000;
const SHARDS_MAX = 65_536;

const SEEN_MARK = z.object({
  deploymentId: z.uuid(),
  /** Of the newest incarnation. */
  tag: z.string().max(8),
  /** The last row of each shard that has one. */
  heads: z
    .array(z.tuple([z.int().min(0).max(SHARDS_MAX), z.int().min(1).max(EPOCH_MAX), z.int().min(1)]))
    .max(SHARDS_MAX),
});

/** Heads are shard, epoch, seq. */
export type SeenMark = z.output<typeof SEEN_MARK>;

const HEADS = `
  SELECT l.shard, head.epoch, head.seq
  FROM shard_leases l,
       LATERAL (SELECT epoch, seq FROM journal j WHERE j.shard = l.shard ORDER BY j.seq DESC LIMIT 1) AS head
  ORDER BY l.shard`;

const MISSING = `
  SELECT seen.shard, seen.epoch, seen.seq
  FROM unnest($1::int[], $2::int[], $3::bigint[]) AS seen(shard, epoch, seq)
  WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.shard = seen.shard AND j.seq = seen.seq AND j.epoch = seen.epoch)
  ORDER BY seen.shard`;

/** Undefined: it is no mark. */
export function parseMark(text: string): SeenMark | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = SEEN_MARK.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

export async function currentMark(queries: Queries): Promise<SeenMark> {
  const { id: deploymentId, incarnations } = await readDeployment(queries);
  const { rows } = await queries.query<{ shard: number; epoch: number; seq: number }>(HEADS);
  return {
    deploymentId,
    tag: incarnations.at(-1)!.tag,
    heads: rows.map(({ shard, epoch, seq }) => [shard, epoch, Number(seq)]),
  };
}

/** The highest that was seen; 0: none. */
export function epochSeen({ heads }: SeenMark): number {
  return heads.reduce((max, [, epoch]) => Math.max(max, epoch), 0);
}

/** What was seen and is not in the database, in words; undefined: all is there. The mark is of this deployment. */
export async function lostSince(queries: Queries, mark: SeenMark): Promise<string | undefined> {
  const { incarnations } = await readDeployment(queries);
  const newest = incarnations.at(-1)!;
  if (!incarnations.some(({ tag }) => tag === mark.tag)) {
    return `incarnation "${mark.tag}" was seen, with epochs up to ${epochSeen(mark)}; the newest here is "${newest.tag}"`;
  }
  // An older one has ended: no new row gets an id of it.
  if (mark.tag !== newest.tag) return undefined;
  const columns = [0, 1, 2].map((column) => mark.heads.map((head) => head[column]));
  const { rows } = await queries.query<{ shard: number; epoch: number; seq: number }>(MISSING, columns);
  const [first] = rows;
  if (first === undefined) return undefined;
  const here = (await currentMark(queries)).heads.find(([shard]) => shard === first.shard);
  const found = here === undefined ? 'has no row' : `ends at row ${here[2]} of epoch ${here[1]}`;
  const others = rows.length > 1 ? `, and so with ${rows.length - 1} more shards` : '';
  return `row ${first.seq} of epoch ${first.epoch} was seen of shard ${first.shard}, which ${found} here${others}`;
}
