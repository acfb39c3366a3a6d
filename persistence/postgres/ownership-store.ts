/**
 * Members and shard leases in PostgreSQL. Every question of time is answered by its clock, in the statement itself.
 *
 * A member's renewal and its eviction meet at its row: a renewal only prolongs a lease that still runs, an eviction
 * only removes one that has ended, and both look again after waiting for the other. So a member is never evicted after
 * its renewal was acknowledged.
 */
import type pg from 'pg';
import type { Member, MemberReach, Membership, OwnershipStore, Renewal } from '../ports.ts';
import { Session } from './connection.ts';
import { RETRY_CHANNEL } from './quarantine-store.ts';

/** This channel carries: a member joined, left, began to drain, claimed, released, or reaches other peers. */
const CHANNEL = 'holdfast_ownership';
/** Shorter than a lease: a session that hangs is replaced while there is time to renew. */
const QUERY_TIMEOUT_MS = 1_000;

const TELL = `pg_notify('${CHANNEL}', '')`;

const JOIN = `
  WITH joined AS (
    INSERT INTO members (worker_id, node_id, slot, host, socket_path, pid, version, draining, has_broker, reach,
      expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, clock_timestamp() + $11 * interval '1 ms')
    ON CONFLICT (worker_id) DO UPDATE SET expires_at = excluded.expires_at, reach = excluded.reach
  ), given_up AS (
    UPDATE shard_leases SET owner = NULL WHERE owner = $1
  )
  SELECT ${TELL}`;

const RENEW = `
  WITH me AS (
    UPDATE members SET expires_at = clock_timestamp() + $2 * interval '1 ms', draining = draining OR $3, reach = $4::jsonb
    WHERE worker_id = $1 AND expires_at > clock_timestamp()
    RETURNING 1
  )
  SELECT (SELECT count(*)::int FROM me) AS renewed,
         (SELECT ${TELL} FROM members
          WHERE worker_id = $1 AND (($3 AND NOT draining) OR reach IS DISTINCT FROM $4::jsonb)),
         (SELECT json_agg(json_build_object(
             'workerId', worker_id, 'nodeId', node_id, 'slot', slot, 'host', host, 'socketPath', socket_path, 'pid', pid,
             'version', version, 'draining', draining, 'hasBroker', has_broker, 'reach', reach,
             'joinedAtMs', round(extract(epoch FROM joined_at) * 1000),
             'leaseLeftMs', round(extract(epoch FROM expires_at - clock_timestamp()) * 1000),
             'expired', expires_at <= clock_timestamp())
             ORDER BY worker_id)
          FROM members) AS members,
         (SELECT json_agg(owner ORDER BY shard) FROM shard_leases) AS owners,
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS database_ms`;

/** A copy of a database has its members, and the original may be on the same server. Ids hold no character that LIKE knows. */
const CUT_OFF = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity, unnest($1::text[]) AS dead(worker_id)
  WHERE datname = current_database() AND application_name LIKE 'holdfast/' || dead.worker_id || '/%'`;

const EVICT = `
  WITH dead AS (
    DELETE FROM members WHERE worker_id = ANY($1::text[]) AND ($2 OR expires_at <= clock_timestamp()) RETURNING worker_id
  ), freed AS (
    UPDATE shard_leases SET owner = NULL FROM dead WHERE owner = dead.worker_id
  )
  SELECT worker_id, ${TELL} FROM dead`;

const CLAIM = `
  WITH mine AS (
    UPDATE shard_leases l SET owner = $1
    WHERE shard = ANY($2::int[]) AND EXISTS (SELECT 1 FROM members WHERE worker_id = $1)
      AND (owner IS NULL OR NOT EXISTS (SELECT 1 FROM members m WHERE m.worker_id = l.owner))
    RETURNING shard
  )
  SELECT shard, ${TELL} FROM mine`;

const RELEASE = `
  WITH freed AS (
    UPDATE shard_leases SET owner = NULL WHERE owner = $1 AND shard = ANY($2::int[]) RETURNING shard
  )
  SELECT ${TELL} FROM freed LIMIT 1`;

const DRAIN_NODE = `
  WITH drained AS (
    UPDATE members SET draining = true WHERE node_id = $1 RETURNING 1
  )
  SELECT ${TELL} FROM drained LIMIT 1`;

const MEMBERS_OF_NODE = `SELECT worker_id FROM members WHERE node_id = $1`;

const LIVING = `SELECT count(*)::int AS living FROM members WHERE node_id <> $1 AND expires_at > clock_timestamp()`;

type ReadMember = Omit<Member, 'reach'> & { readonly expired: boolean; readonly reach: MemberReach | null };

export class PostgresOwnershipStore implements OwnershipStore {
  readonly #session: Session;
  #listener: () => void = () => undefined;
  #onRetry: (entityId: string) => void = () => undefined;

  /** `purpose` names the process in pg_stat_activity. */
  constructor(url: string, purpose: string) {
    this.#session = new Session(url, `${purpose}/ownership`, {
      queryTimeoutMs: QUERY_TIMEOUT_MS,
      listen: { [CHANNEL]: () => this.#listener(), [RETRY_CHANNEL]: (entityId) => this.#onRetry(entityId) },
    });
  }

  async join(member: Member, ttlMs: number): Promise<void> {
    const { workerId, nodeId, slot, host, socketPath, pid, version, draining, hasBroker, reach } = member;
    const values = [workerId, nodeId, slot, host, socketPath, pid, version, draining, hasBroker, jsonOf(reach), ttlMs];
    await this.#query(JOIN, values);
  }

  async renew(workerId: string, ttlMs: number, draining: boolean, reach?: MemberReach): Promise<Renewal | undefined> {
    const { renewed, members, owners, databaseMs } = await this.#read(workerId, ttlMs, draining, reach);
    const expired = members.filter((member) => member.expired && member.workerId !== workerId);
    const gone = new Set<string>();
    if (expired.length > 0) {
      const ids = expired.map((member) => member.workerId);
      for (const workerId of await this.#evict(ids, false)) gone.add(workerId);
    }
    const evicted = expired.filter((member) => gone.has(member.workerId));
    if (renewed === 0) return undefined;
    // The statement shows one's own row as it was before it.
    const now = members.map((member) =>
      member.workerId === workerId
        ? {
            ...member,
            leaseLeftMs: ttlMs,
            expired: false,
            draining: member.draining || draining,
            reach: reach ?? null,
          }
        : member,
    );
    return { members: livingOf(now), owners, evicted, databaseMs };
  }

  async claim(workerId: string, shards: readonly number[]): Promise<ReadonlySet<number>> {
    const { rows } = await this.#query(CLAIM, [workerId, shards]);
    return new Set(rows.map((row) => row['shard'] as number));
  }

  async release(workerId: string, shards: readonly number[]): Promise<void> {
    await this.#query(RELEASE, [workerId, shards]);
  }

  async leave(workerId: string): Promise<void> {
    await this.#query(EVICT, [[workerId], true]);
  }

  /** Workers that are known to be dead, before their leases end. */
  async evict(workerIds: readonly string[]): Promise<void> {
    await this.#evict(workerIds, true);
  }

  /** All workers of a node that is known to be gone: only one node runs on a DATA_DIR. */
  async forgetNode(nodeId: string): Promise<void> {
    const { rows } = await this.#query(MEMBERS_OF_NODE, [nodeId]);
    if (rows.length > 0) await this.evict(rows.map((row) => row['worker_id'] as string));
  }

  /** Its workers take no more shards, and give theirs to other nodes, if there are any. */
  async drainNode(nodeId: string): Promise<void> {
    await this.#query(DRAIN_NODE, [nodeId]);
  }

  /** Who is there and who owns what, for people. */
  async membership(): Promise<Membership> {
    const { members, owners } = await this.#read('', 0, false);
    return { members: livingOf(members), owners };
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** Hears of entities that are to be read again, wherever they live. */
  onRetry(listener: (entityId: string) => void): void {
    this.#onRetry = listener;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #read(workerId: string, ttlMs: number, draining: boolean, reach?: MemberReach) {
    const { rows } = await this.#query(RENEW, [workerId, ttlMs, draining, jsonOf(reach)]);
    const row = rows[0]!;
    return {
      renewed: row['renewed'] as number,
      members: JSON.parse((row['members'] as string | null) ?? '[]') as ReadMember[],
      owners: JSON.parse((row['owners'] as string | null) ?? '[]') as (string | null)[],
      databaseMs: row['database_ms'] as number,
    };
  }

  /** Its sessions go first: a statement that it left half-sent may hold its own row. @returns those that were members. */
  async #evict(workerIds: readonly string[], certainlyGone: boolean): Promise<string[]> {
    await this.#query(CUT_OFF, [workerIds]);
    const { rows } = await this.#query(EVICT, [workerIds, certainlyGone]);
    return rows.map((row) => row['worker_id'] as string);
  }

  #query(text: string, values: unknown[]): Promise<pg.QueryResult<Record<string, unknown>>> {
    return this.#session.query({ text, values });
  }
}

/** @param except a node whose members do not count */
export async function countLivingMembers(queries: Pick<pg.Client, 'query'>, except = ''): Promise<number> {
  const { rows } = await queries.query<{ living: number }>(LIVING, [except]);
  return rows[0]!.living;
}

const jsonOf = (reach: MemberReach | undefined): string | null => (reach ? JSON.stringify(reach) : null);

function livingOf(members: readonly ReadMember[]): Member[] {
  return members
    .filter(({ expired }) => !expired)
    .map(({ expired: _, reach, ...member }) => ({ ...member, ...(reach && { reach }) }));
}
