/**
 * Owns the identity of a database: the deployment's id, and its incarnations. Message ids are made of an incarnation's
 * tag and a row's place. A database that was restored, copied or rewound would give the ids of rows that it lost to
 * others, and consumers would drop those as duplicates. So it begins a new incarnation, with a tag and epochs of its own.
 *
 * To begin one without need costs nothing: rows keep the ids of the incarnation that their epoch belongs to. So it is
 * begun wherever the rows can't be shown to be the same, and without asking.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { messageOf } from '../../kernel/errors.ts';
import type { Incarnation } from '../ports.ts';

export interface Deployment {
  readonly id: string;
  /** Oldest first. */
  readonly incarnations: readonly Incarnation[];
}

type Queries = Pick<pg.Client, 'query'>;

const TAG_BYTES = 4;
/**
 * Epochs that a new incarnation leaves free behind the highest one known: a shard takes one at each new owner, and the
 * epochs of rows that were lost are not known. Room for 200,000 incarnations.
 */
const EPOCHS_PER_INCARNATION = 10_000;
const IDENTITY_KEY = 'database_identity';

/**
 * What no dump, copy or recovery keeps: the cluster (made by initdb), the database in it, and the timeline, which every
 * recovery and every promotion of a standby raises.
 */
const IDENTITY = `
  SELECT format('%s/%s/%s', (SELECT system_identifier FROM pg_control_system()),
                (SELECT oid FROM pg_database WHERE datname = current_database()),
                left(pg_walfile_name(pg_current_wal_lsn()), 8)) AS identity`;

const BEGIN = `
  INSERT INTO incarnations (number, tag, first_epoch, reason)
  SELECT known.number + 1, $1, (greatest(known.first_epoch, rows.epoch, $2::int) / ${EPOCHS_PER_INCARNATION} + 1) * ${EPOCHS_PER_INCARNATION}, $3
  FROM (SELECT max(number) AS number, max(first_epoch) AS first_epoch FROM incarnations) AS known,
       (SELECT coalesce(max(head.epoch), 0) AS epoch
        FROM shard_leases l,
             LATERAL (SELECT epoch FROM journal j WHERE j.shard = l.shard ORDER BY j.seq DESC LIMIT 1) AS head) AS rows
  RETURNING number, tag, first_epoch, reason, began_at`;

interface RawIncarnation {
  readonly number: number;
  readonly tag: string;
  readonly first_epoch: number;
  readonly reason: string;
  readonly began_at: Date | number;
}

export async function readDeployment(queries: Queries): Promise<Deployment> {
  const { rows: settings } = await queries.query<{ value: string }>(
    `SELECT value FROM settings WHERE key = 'deployment_id'`,
  );
  return { id: settings[0]!.value, incarnations: await readIncarnations(queries) };
}

/** Oldest first. */
export async function readIncarnations(queries: Queries): Promise<readonly Incarnation[]> {
  const { rows } = await queries.query<RawIncarnation>(
    'SELECT number, tag, first_epoch, reason, began_at FROM incarnations ORDER BY number',
  );
  return rows.map(incarnationOf);
}

/**
 * The caller holds the lock of prepareDatabase, or knows that no other does this.
 * @param epochSeen the highest that is known from elsewhere
 */
export async function beginIncarnation(queries: Queries, reason: string, epochSeen = 0): Promise<Incarnation> {
  const tag = randomBytes(TAG_BYTES).toString('hex');
  const { rows } = await queries.query<RawIncarnation>(BEGIN, [tag, epochSeen, reason]);
  return incarnationOf(rows[0]!);
}

/**
 * Compares the database with what it was at the last start.
 * @returns the incarnation that it begins for that; undefined: it is the same database.
 */
export async function checkIdentity(queries: Queries): Promise<Incarnation | undefined> {
  const identity = await databaseIdentity(queries);
  if (identity === undefined) return undefined;
  const { rows } = await queries.query<{ value: string }>('SELECT value FROM settings WHERE key = $1', [IDENTITY_KEY]);
  const known = rows[0]?.value;
  if (known === identity) return undefined;
  const begun =
    known === undefined || (await isEmpty(queries))
      ? undefined
      : await beginIncarnation(queries, `the database was restored, copied or failed over (${known}, now ${identity})`);
  await queries.query(
    'INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    [IDENTITY_KEY, identity],
  );
  return begun;
}

/** Undefined where the server does not let it be read. */
async function databaseIdentity(queries: Queries): Promise<string | undefined> {
  try {
    const { rows } = await queries.query<{ identity: string }>(IDENTITY);
    return rows[0]!.identity;
  } catch (error) {
    if (/permission denied/.test(messageOf(error))) return undefined;
    throw error;
  }
}

async function isEmpty(queries: Queries): Promise<boolean> {
  const { rows } = await queries.query('SELECT 1 FROM journal LIMIT 1');
  return rows.length === 0;
}

function incarnationOf({ number, tag, first_epoch, reason, began_at }: RawIncarnation): Incarnation {
  return { number, tag, firstEpoch: first_epoch, reason, beganAtMs: Number(began_at) };
}
