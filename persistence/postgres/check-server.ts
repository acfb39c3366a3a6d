/**
 * Asks the server at start whether orders can live on it, and says what is wrong in one line with its remedy. What is
 * refused here would otherwise show as lost commits, refused requests or waiting orders that end early.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Clock } from '../../kernel/clock.ts';
import { StartupError } from '../../kernel/errors.ts';
import { withClient } from './connection.ts';

/** PostgreSQL 13 is the oldest that some vendor still maintains. */
const SERVER_VERSION_MIN = 130_000;
/**
 * Deadlines of orders are judged by the node's clock, leases by the database's. Beyond this an order that waits would
 * end visibly early or late.
 */
const CLOCK_SKEW_MAX_MS = 10_000;
const CLOCK_READINGS = 3;
/** The sessions of a node that was just killed end within seconds. */
const SESSIONS_WAIT_MS = 5_000;
const SESSIONS_POLL_MS = 500;

export interface ServerFacts {
  readonly version: string;
  /** The database's clock before ours; below zero: behind. */
  readonly clockSkewMs: number;
}

/** @throws StartupError that names what is wrong and what to do. */
export async function checkServer(
  url: string,
  client: pg.Client,
  sessions: number,
  clock: Clock,
): Promise<ServerFacts> {
  const version = await checkSettings(client);
  await refusePooler(url, client);
  await checkSessions(client, sessions, clock);
  return { version, clockSkewMs: await checkClock(client, clock) };
}

const SETTINGS = `
  SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
         current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
         current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS synchronous_commit,
         current_setting('jit') AS jit, current_setting('TimeZone') AS time_zone,
         pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') AS read_only`;

interface Settings {
  readonly version: string;
  readonly number: number;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly encoding: string;
  readonly synchronous_commit: string;
  readonly jit: string;
  readonly time_zone: string;
  readonly is_standby: boolean;
  readonly read_only: string;
}

async function checkSettings(client: pg.Client): Promise<string> {
  const settings = (await client.query<Settings>(SETTINGS)).rows[0]!;
  const problem = problemWith(settings);
  if (problem !== undefined) throw new StartupError(problem);
  return settings.version;
}

function problemWith(settings: Settings): string | undefined {
  const { version, number, encoding, synchronous_commit: commit, jit, time_zone: zone } = settings;
  if (number < SERVER_VERSION_MIN) return `PostgreSQL ${version} is too old: use 13 or newer in DATABASE_URL.`;
  if (settings.fsync !== 'on')
    return 'The server of DATABASE_URL runs with fsync = off: what it acknowledges may be lost. Set fsync = on.';
  if (encoding !== 'UTF8')
    return `The database of DATABASE_URL has the encoding ${encoding}, which can't hold every name and address. Create one with ENCODING 'UTF8' TEMPLATE template0.`;
  if (settings.is_standby)
    return 'The server of DATABASE_URL is a standby, which takes no orders. Name the primary, or promote it.';
  if (settings.read_only === 'on')
    return 'Sessions of DATABASE_URL are read-only (default_transaction_read_only). Set it to off for this role and database.';
  if (jit !== 'off' || zone !== 'UTC' || commit !== 'on')
    return `What this node sets for its sessions is lost on the way (synchronous_commit is ${commit}, jit ${jit}, TimeZone ${zone}): a pooler between ignores startup options. Connect to PostgreSQL directly.`;
  return undefined;
}

/**
 * Between transactions such a pooler gives a session's place to others: what a session sets, listens to or prepared is
 * lost or another session's. While one session holds a transaction, the other must still be where it was.
 */
async function refusePooler(url: string, client: pg.Client): Promise<void> {
  const mark = randomUUID();
  const first = await placeOf(client, `set_config('holdfast.probe', '${mark}', false)`);
  const shared = await withClient(url, 'holdfast/probe', async (other) => {
    await other.query('BEGIN');
    const theirs = await placeOf(other, `current_setting('holdfast.probe', true)`);
    const again = await placeOf(client, `current_setting('holdfast.probe', true)`);
    await other.query('ROLLBACK');
    return theirs.pid === first.pid || theirs.mark === mark || again.pid !== first.pid || again.mark !== mark;
  });
  if (!shared) return;
  throw new StartupError(
    'A pooler in transaction mode (such as PgBouncer) stands before the server of DATABASE_URL: sessions lose their settings and notifications there. Connect to PostgreSQL directly, or use session mode.',
  );
}

async function placeOf(client: pg.Client, mark: string): Promise<{ pid: number; mark: string | null }> {
  const result = await client.query<{ pid: number; mark: string | null }>(
    `SELECT pg_backend_pid() AS pid, ${mark} AS mark`,
  );
  return result.rows[0]!;
}

/** By the tightest of three limits: of the server (less what it keeps for administrators), the role and the database. */
const SESSIONS_LEFT = `
  WITH used AS (
    SELECT count(*) AS server, count(*) FILTER (WHERE usename = current_user) AS role,
           count(*) FILTER (WHERE datname = current_database()) AS database
    -- What other roles' sessions are is not shown to every role; that they are at a database is.
    FROM pg_stat_activity WHERE datname IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
  ), limits (name, size, used) AS (
    SELECT 'max_connections', current_setting('max_connections')::int
             - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
                 + coalesce(current_setting('reserved_connections', true), '0')::int END, used.server
    FROM used, pg_roles r WHERE r.rolname = current_user
    UNION ALL SELECT 'the connection limit of the role', r.rolconnlimit, used.role
    FROM used, pg_roles r WHERE r.rolname = current_user AND NOT r.rolsuper AND r.rolconnlimit >= 0
    UNION ALL SELECT 'the connection limit of the database', d.datconnlimit, used.database
    FROM used, pg_database d, pg_roles r
    WHERE d.datname = current_database() AND d.datconnlimit >= 0 AND r.rolname = current_user AND NOT r.rolsuper
  )
  SELECT name, size::int, used::int FROM limits ORDER BY size - used LIMIT 1`;

async function checkSessions(client: pg.Client, needed: number, clock: Clock): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += SESSIONS_POLL_MS) {
    const result = await client.query<{ name: string; size: number; used: number }>(SESSIONS_LEFT);
    const { name, size, used } = result.rows[0]!;
    // This session is one of them already.
    if (size - used + 1 >= needed) return;
    if (size < needed || waitedMs >= SESSIONS_WAIT_MS) {
      throw new StartupError(
        `This node needs ${needed} sessions with the database, and ${name} (${size}, of which ${used - 1} are in use) leaves ${size - used + 1}. Raise it, end other clients, or set fewer WORKERS.`,
      );
    }
    await clock.sleep(SESSIONS_POLL_MS);
  }
}

async function checkClock(client: pg.Client, clock: Clock): Promise<number> {
  let best = { tookMs: Infinity, skewMs: 0 };
  for (let reading = 0; reading < CLOCK_READINGS; reading++) {
    const sentMs = clock.nowMs();
    const result = await client.query<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
    );
    const tookMs = clock.nowMs() - sentMs;
    if (tookMs < best.tookMs) best = { tookMs, skewMs: Math.round(result.rows[0]!.ms - sentMs - tookMs / 2) };
  }
  if (Math.abs(best.skewMs) <= CLOCK_SKEW_MAX_MS) return best.skewMs;
  throw new StartupError(
    `The clock of this machine is ${Math.round(Math.abs(best.skewMs) / 1_000)} s ${best.skewMs > 0 ? 'behind' : 'ahead of'} the database's; orders that wait would end at the wrong time. Set both by NTP.`,
  );
}

/** Asked only where tables are to be made: a node may run as a role that can't, on a database that another migrated. */
export async function checkMayCreate(client: pg.Client): Promise<void> {
  const result = await client.query<{ schema: string | null; user: string; may: boolean | null }>(
    `SELECT current_schema() AS schema, current_user AS user, has_schema_privilege(current_schema(), 'CREATE') AS may`,
  );
  const { schema, user, may } = result.rows[0]!;
  if (schema === null)
    throw new StartupError(
      `No schema of the search_path of the role ${user} exists. Create one, or set search_path to public.`,
    );
  if (may !== true)
    throw new StartupError(
      `The role ${user} may not create tables in the schema ${schema}. GRANT CREATE ON SCHEMA ${schema} TO ${user}, or run "npm run -s migrate" as a role that may.`,
    );
}
