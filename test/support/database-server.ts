/**
 * The PostgreSQL server that tests make their databases on: the one of this machine where it can be reached, else an
 * embedded one for the length of this run. In CI the machine's must be there: a test that silently runs on less proves
 * less.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { messageOf } from '../../kernel/errors.ts';
import { removeEmbeddedCluster, startEmbeddedPostgres } from '../../persistence/embedded/embedded-postgres.ts';

export const MACHINE_SERVER_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

let server: Promise<string> | undefined;

/** A URL whose user may create databases. */
export function databaseServerUrl(): Promise<string> {
  server ??= chooseServer();
  return server;
}

/** @returns why the machine's server can't be used; undefined when it can. */
export async function whyNoMachineServer(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: MACHINE_SERVER_URL, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return undefined;
  } catch (error) {
    const reason = `no PostgreSQL server on this machine (${messageOf(error) || 'no answer'})`;
    if (process.env['CI'] === 'true') throw new Error(`${reason}, and in CI there must be one`, { cause: error });
    return reason;
  }
}

async function chooseServer(): Promise<string> {
  if ((await whyNoMachineServer()) === undefined) return MACHINE_SERVER_URL;
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-tests-'));
  const embedded = await startEmbeddedPostgres({ dataDir: folder, runtimeDir: folder, log: pino({ level: 'silent' }) });
  // Mocha runs this after all specs of the run.
  after(async () => {
    await embedded.stop();
    await removeEmbeddedCluster(folder);
    await rm(folder, { recursive: true, force: true });
  });
  return embedded.url;
}
