/**
 * Makes a database fit to run on: checks the server, migrates, and holds the node to what the first start wrote down.
 * Safe to run by several nodes at once: an advisory lock lets one do it, the others find it done.
 */
import { randomUUID } from 'node:crypto';
import knex from 'knex';
import type pg from 'pg';
import { migrationSource } from '../../migrations/source.ts';
import { StartupError } from '../../kernel/errors.ts';
import { connectionConfig, withClient } from './connection.ts';

/** Any 64-bit number that only Holdfast uses. */
const MIGRATION_LOCK = 4_846_791_223;
/** PostgreSQL 13 is the oldest that is still maintained by anybody. */
const SERVER_VERSION_MIN = 130_000;
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
  /** True when this call wrote the settings: nothing ever ran on the database before. */
  readonly isNew: boolean;
}

/**
 * @throws StartupError when the server is too old or not durable, or when the database was begun with another number
 *   of shards or another hash.
 */
export async function prepareDatabase(url: string, wanted: ShardSettings): Promise<DatabaseFacts> {
  return withClient(url, 'holdfast/prepare', async (client) => {
    const serverVersion = await checkServer(client);
    await client.query(`SET statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(url);
    const isNew = await writeSettings(client, wanted);
    const idempotencyNamespace = await checkSettings(client, wanted);
    await client.query(
      `INSERT INTO shard_leases (shard) SELECT generate_series(0, $1::int - 1) ON CONFLICT (shard) DO NOTHING`,
      [wanted.shards],
    );
    return { idempotencyNamespace, serverVersion, isNew };
  });
}

async function checkServer(client: pg.Client): Promise<string> {
  const result = await client.query<{ version: string; number: string; fsync: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number, current_setting('fsync') AS fsync`,
  );
  const { version, number, fsync } = result.rows[0]!;
  if (Number(number) < SERVER_VERSION_MIN) {
    throw new StartupError(`PostgreSQL ${version} is too old: use 13 or newer in DATABASE_URL.`);
  }
  if (fsync !== 'on') {
    throw new StartupError(
      'The server of DATABASE_URL runs with fsync = off: what it acknowledges may be lost. Set fsync = on.',
    );
  }
  return version;
}

/** Runs under the advisory lock, so a lock that knex left behind when its process was killed is nobody's. */
async function migrate(url: string): Promise<void> {
  const { statement_timeout: _, query_timeout: __, ...connection } = connectionConfig(url, 'holdfast/migrate');
  const database = knex({
    client: 'pg',
    connection: connection as never,
    pool: { min: 0, max: 1 },
    migrations: { migrationSource, tableName: 'migrations' },
  });
  try {
    if (await database.schema.hasTable('migrations_lock')) await database.migrate.forceFreeMigrationsLock();
    await database.migrate.latest();
  } catch (error) {
    if (isMissingMigration(error)) {
      throw new StartupError(
        'The database was migrated by a newer Holdfast than this one. Run that version, or another database.',
        { cause: error },
      );
    }
    throw error;
  } finally {
    await database.destroy();
  }
}

function isMissingMigration(error: unknown): boolean {
  return error instanceof Error && /migration directory is corrupt/.test(error.message);
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
