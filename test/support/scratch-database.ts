/** Owns a database of one test: made, with the migrations applied where that is wanted, and dropped at the end. */
import { randomBytes } from 'node:crypto';
import knex from 'knex';
import pg from 'pg';
import { migrationSource } from '../../migrations/source.ts';
import { databaseServerUrl } from './database-server.ts';

export interface ScratchDatabase {
  readonly url: string;
  /** Runs statements that damage or look. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** On the machine's server, or an embedded one; `migrated: false` leaves it empty, as a node's first start wants it. */
export async function createScratchDatabase({
  migrated = true,
  serverUrl,
}: { migrated?: boolean; serverUrl?: string } = {}): Promise<ScratchDatabase> {
  const server = serverUrl ?? (await databaseServerUrl());
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  const url = address.href;
  if (migrated) {
    const migrations = knex({ client: 'pg', connection: url });
    try {
      for (const migration of await migrationSource.getMigrations([])) await migration.up(migrations);
    } finally {
      await migrations.destroy();
    }
  }
  return {
    url,
    query: (sql, values) => onServer(url, sql, values),
    drop: async () => void (await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

async function onServer(url: string, sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql, [...values]);
    return result.rows;
  } finally {
    await client.end();
  }
}
