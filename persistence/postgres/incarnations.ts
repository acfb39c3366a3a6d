/**
 * Owns the identity of a database: the deployment's id, and its incarnations. Message ids are made of an incarnation's
 * tag and a row's place. A database that was restored, copied or rewound would give the ids of rows that it lost to
 * others, and consumers would drop those as duplicates. So it begins a new incarnation, with a tag and epochs of its own.
 *
 * To begin one without need costs nothing: rows keep the ids of the incarnation that their epoch belongs to. So it is
 * begun wherever the rows can't be shown to be the same, and without asking.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { messageOf } from '../../kernel/errors.ts';
import type { Incarnation } from '../ports.ts';

export interface Deployment {
  readonly id: string;
  /** Of the deployment that this database was copied or restored from, unless it goes on in its place. */
  readonly copyOf: string | undefined;
  /** Oldest first. */
  readonly incarnations: readonly Incarnation[];
}

/** A session, or what stands for one. */
export type Queries = Pick<pg.Client, 'query'>;

const TAG_BYTES = 4;
/**
 * Epochs that a new incarnation leaves free behind the highest one known: a shard takes one at each new owner, and the
 * epochs of rows that were lost are not known. Room for 200,000 incarnations.
 */
const EPOCHS_PER_INCARNATION = 10_000;
const IDENTITY_KEY = 'database_identity';
const ID_KEY = 'deployment_id';
const COPY_OF_KEY = 'deployment_copied_from';

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
  const id = (await setting(queries, ID_KEY))!;
  return { id, copyOf: await setting(queries, COPY_OF_KEY), incarnations: await readIncarnations(queries) };
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
 * Makes the database a deployment of its own: the one that it is a copy of may still be at work, and a virtual host is
 * for one. As beginIncarnation for the rest.
 * @returns the id that it had
 */
export async function becomeAnother(queries: Queries): Promise<string> {
  const former = (await setting(queries, ID_KEY))!;
  await write(queries, COPY_OF_KEY, former);
  await write(queries, ID_KEY, randomUUID());
  return former;
}

/**
 * Lets the database go on in place of the deployment that it was copied from. Only a person can know that the other is
 * gone for good.
 * @returns its id; undefined: it is no copy
 */
export async function goOnInPlace(queries: Queries): Promise<string | undefined> {
  const original = await setting(queries, COPY_OF_KEY);
  if (original === undefined) return undefined;
  await write(queries, ID_KEY, original);
  await queries.query('DELETE FROM settings WHERE key = $1', [COPY_OF_KEY]);
  return original;
}

export interface IdentityFound {
  /** The incarnation that was begun; undefined: it is the same database, or has no rows. */
  readonly begun: Incarnation | undefined;
  /** The deployment that it turned out to be a copy of. */
  readonly copyOf: string | undefined;
}

/**
 * Compares the database with what it was at the last start. Another timeline alone is a failover or a recovery in place:
 * the deployment goes on. In another cluster or under another oid it may be a copy, with the original still at work.
 */
export async function checkIdentity(queries: Queries): Promise<IdentityFound> {
  const same = { begun: undefined, copyOf: undefined };
  const identity = await databaseIdentity(queries);
  if (identity === undefined) return same;
  const known = await setting(queries, IDENTITY_KEY);
  if (known === identity) return same;
  const isFirst = known === undefined;
  const copyOf = isFirst || placeOf(known) === placeOf(identity) ? undefined : await becomeAnother(queries);
  const begun =
    isFirst || (await isEmpty(queries))
      ? undefined
      : await beginIncarnation(queries, `the database was restored, copied or failed over (${known}, now ${identity})`);
  await write(queries, IDENTITY_KEY, identity);
  return { begun, copyOf };
}

/** Cluster and database, without the timeline. */
const placeOf = (identity: string): string => identity.slice(0, identity.lastIndexOf('/'));

async function setting(queries: Queries, key: string): Promise<string | undefined> {
  const { rows } = await queries.query<{ value: string }>('SELECT value FROM settings WHERE key = $1', [key]);
  return rows[0]?.value;
}

async function write(queries: Queries, key: string, value: string): Promise<void> {
  await queries.query(
    'INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    [key, value],
  );
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

/** Nothing was ever written, so no ids are out. */
export async function isEmpty(queries: Queries): Promise<boolean> {
  const { rows } = await queries.query('SELECT 1 FROM journal LIMIT 1');
  return rows.length === 0;
}

function incarnationOf({ number, tag, first_epoch, reason, began_at }: RawIncarnation): Incarnation {
  return { number, tag, firstEpoch: first_epoch, reason, beganAtMs: Number(began_at) };
}
