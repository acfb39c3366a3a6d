/**
 * Makes a database fit to run on: checks the server, migrates, and holds the node to what the first start wrote down.
 * Safe to run by several nodes at once: an advisory lock lets one do it, the others find it done.
 */
import { randomUUID } from 'node:crypto';
import knex from 'knex';
import type pg from 'pg';
import { compatibilityRows, refusalOf, type CompatibilityRow } from '../../migrations/compatibility.ts';
import { MIGRATIONS, sourceOf, type Migration } from '../../migrations/source.ts';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import { StartupError } from '../../kernel/errors.ts';
import { checkMayCreate, checkServer } from './check-server.ts';
import type { Incarnation } from '../ports.ts';
import { connectionConfig, withClient } from './connection.ts';
import { checkIdentity, readDeployment } from './incarnations.ts';

/** Any 64-bit number that only Holdfast uses. */
const MIGRATION_LOCK = 4_846_791_223;
/** A first migration of a large database takes its time. */
const MIGRATION_TIMEOUT_MS = 3_600_000;

export interface ShardSettings {
  readonly shards: number;
  readonly shardHash: string;
}

export interface DatabaseFacts {
  /** UUID from which idempotency keys become ids; made by the first start. */
  readonly idempotencyNamespace: string;
  readonly serverVersion: string;
  /** The database's clock before this machine's. */
  readonly clockSkewMs: number;
  /** UUID of the deployment; made by the first start. */
  readonly deploymentId: string;
  /** The incarnation that this call began; undefined: it found the database that was there at the last start. */
  readonly begun: Incarnation | undefined;
  /** The deployment that this call found the database to be a copy of. */
  readonly copyOf: string | undefined;
  /** True when this call wrote the settings: nothing ever ran on the database before. */
  readonly isNew: boolean;
}

export interface Preparation {
  /** Sessions that will be opened on the server; a command that runs beside a node needs none. */
  readonly sessions?: number;
  readonly migrations?: readonly Migration[];
  readonly clock?: Clock;
}

/**
 * @throws StartupError when the server is not fit for orders (see check-server.ts), when a newer version changed the
 *   database so that this one can't run on it, or when it was begun with another number of shards or another hash.
 */
export async function prepareDatabase(
  url: string,
  wanted: ShardSettings,
  { sessions = 0, migrations = MIGRATIONS, clock = systemClock }: Preparation = {},
): Promise<DatabaseFacts> {
  return withClient(url, 'holdfast/prepare', async (client) => {
    const { version: serverVersion, clockSkewMs } = await checkServer(url, client, sessions, clock);
    await client.query(`SET statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(url, client, migrations);
    const isNew = await writeSettings(client, wanted);
    const idempotencyNamespace = await checkSettings(client, wanted);
    await client.query(
      `INSERT INTO shard_leases (shard) SELECT generate_series(0, $1::int - 1) ON CONFLICT (shard) DO NOTHING`,
      [wanted.shards],
    );
    const { begun, copyOf } = await checkIdentity(client);
    const { id: deploymentId } = await readDeployment(client);
    return { idempotencyNamespace, serverVersion, clockSkewMs, isNew, deploymentId, begun, copyOf };
  });
}

/** Runs `work` while no node prepares the database, and no other process does such work. */
export async function withPreparationLock<T>(
  url: string,
  purpose: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(url, purpose, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return work(client);
  });
}

/** Runs under the advisory lock. What a newer version migrated is judged by what it recorded: see migrations/compatibility.ts. */
async function migrate(url: string, client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  const applied = await appliedMigrations(client);
  const known = migrations.map(({ name }) => name);
  const recorded = await recordedCompatibility(client);
  const refusal = refusalOf(known, applied, recorded);
  if (refusal !== undefined) throw new StartupError(refusal);
  if (!known.every((name) => applied.includes(name))) {
    await checkMayCreate(client);
    await applyMigrations(url, migrations);
  }
  // Also what a start that died before this line left out.
  const missing = compatibilityRows(migrations).filter(({ name }) => !recorded.some((row) => row.name === name));
  if (missing.length === 0) return;
  await client.query(
    `INSERT INTO migration_compatibility (name, oldest_schema, needs)
     SELECT * FROM unnest($1::text[], $2::int[], $3::text[]) ON CONFLICT (name) DO NOTHING`,
    [missing.map(({ name }) => name), missing.map((row) => row.oldestSchema), missing.map(({ needs }) => needs)],
  );
}

async function applyMigrations(url: string, migrations: readonly Migration[]): Promise<void> {
  const { query_timeout: _, ...connection } = connectionConfig(url, 'holdfast/migrate');
  const database = knex({
    client: 'pg',
    // A limit of the role's, or of DATABASE_URL's options, is for statements that are short.
    connection: { ...connection, statement_timeout: MIGRATION_TIMEOUT_MS } as never,
    pool: { min: 0, max: 1 },
    migrations: {
      migrationSource: sourceOf(migrations),
      tableName: 'migrations',
      // It would refuse what a newer version added.
      disableMigrationsListValidation: true,
    },
  });
  try {
    // We hold the lock, so a lock that knex left when its process was killed has no owner.
    if (await database.schema.hasTable('migrations_lock')) await database.migrate.forceFreeMigrationsLock();
    await database.migrate.latest();
  } finally {
    await database.destroy();
  }
}

async function appliedMigrations(client: pg.Client): Promise<string[]> {
  if (!(await hasTable(client, 'migrations'))) return [];
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY name');
  return rows.map(({ name }) => name);
}

async function recordedCompatibility(client: pg.Client): Promise<CompatibilityRow[]> {
  if (!(await hasTable(client, 'migration_compatibility'))) return [];
  const { rows } = await client.query<CompatibilityRow>(
    `SELECT name, oldest_schema AS "oldestSchema", needs FROM migration_compatibility`,
  );
  return rows;
}

async function hasTable(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name]);
  return rows[0]!.found;
}

async function writeSettings(client: pg.Client, wanted: ShardSettings): Promise<boolean> {
  const settings = {
    shards: String(wanted.shards),
    shard_hash: wanted.shardHash,
    idempotency_namespace: randomUUID(),
  };
  const result = await client.query(
    `INSERT INTO settings (key, value) SELECT * FROM unnest($1::text[], $2::text[])
     WHERE NOT EXISTS (SELECT 1 FROM settings WHERE key = 'shards')`,
    [Object.keys(settings), Object.values(settings)],
  );
  return (result.rowCount ?? 0) > 0;
}

/** @returns the idempotency namespace. */
async function checkSettings(client: pg.Client, wanted: ShardSettings): Promise<string> {
  const result = await client.query<{ key: string; value: string }>('SELECT key, value FROM settings');
  const settings = new Map(result.rows.map(({ key, value }) => [key, value]));
  const shards = settings.get('shards');
  if (shards !== String(wanted.shards)) {
    throw new StartupError(
      `SHARDS is ${wanted.shards}, but this database was begun with ${shards} shards, and that never changes. Set SHARDS=${shards}.`,
    );
  }
  const shardHash = settings.get('shard_hash');
  if (shardHash !== wanted.shardHash) {
    throw new StartupError(
      `This build spreads entities by ${wanted.shardHash}, but the database was begun with ${shardHash}. Run the build that began it.`,
    );
  }
  return settings.get('idempotency_namespace')!;
}
