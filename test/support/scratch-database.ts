/** Owns a database of one test: made with the migrations applied, dropped at the end. */
import { randomBytes } from 'node:crypto';
import knex from 'knex';
import pg from 'pg';
import { up } from '../../migrations/0001-journal.ts';

const SERVER_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export interface ScratchDatabase {
  readonly url: string;
  /** Runs statements that damage or look. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

export async function createScratchDatabase(): Promise<ScratchDatabase> {
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`;
  await onServer(SERVER_URL, `CREATE DATABASE ${name}`);
  const address = new URL(SERVER_URL);
  address.pathname = `/${name}`;
  const url = address.href;
  const migrations = knex({ client: 'pg', connection: url });
  await up(migrations).finally(() => migrations.destroy());
  return {
    url,
    query: (sql, values) => onServer(url, sql, values),
    drop: async () => void (await onServer(SERVER_URL, `DROP DATABASE ${name} WITH (FORCE)`)),
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
