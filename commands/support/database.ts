/**
 * Finds the database that a command works on directly: DATABASE_URL, the running node's, or (where no node runs) the
 * embedded one, started for as long as the command works. A running node is not disturbed.
 */
import { stat } from 'node:fs/promises';
import { pino } from 'pino';
import type { Config } from '../../config/config.ts';
import { takeNodeLock } from '../../config/node-lock.ts';
import { openRuntimeDir } from '../../config/runtime-dir.ts';
import { startEmbeddedPostgres } from '../../persistence/embedded/embedded-postgres.ts';
import { createLogger } from '../../kernel/logger.ts';
import { messageOf } from '../../kernel/errors.ts';
import { sqlStateOf } from '../../persistence/postgres/connection.ts';
import { CommandError } from './command-line.ts';
import { readNodeRecord } from './node-record.ts';

/** Runs `work` with the URL of the database. @throws CommandError, ConfigError saying why there is none. */
export async function withDatabase<T>(config: Config, work: (databaseUrl: string) => Promise<T>): Promise<T> {
  if (config.databaseUrl !== undefined) return await work(config.databaseUrl);
  const record = await readNodeRecord(config.dataDir);
  if (record) return await work(record.databaseUrl);
  const found = await stat(config.dataDir).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new CommandError(
      `There is no database: DATABASE_URL is not set, and DATA_DIR ${config.dataDir} does not exist. Start a node first, or set one of them.`,
    );
  }
  const runtimeDir = await openRuntimeDir(config.dataDir);
  const lock = await takeNodeLock(config.dataDir, runtimeDir);
  try {
    const log = createLogger({
      level: 'error',
      base: {},
      destination: pino.destination({ dest: 2, sync: true }),
    });
    const server = await startEmbeddedPostgres({ dataDir: config.dataDir, runtimeDir, log });
    try {
      return await work(server.url);
    } finally {
      await server.stop();
    }
  } finally {
    await lock.release();
  }
}

const UNDEFINED_TABLE = '42P01';

/**
 * The message for an error of the database.
 * @param said what failed, without a full stop.
 */
export function databaseFailure(error: unknown, said: string): Error {
  if (error instanceof CommandError) return error;
  if (sqlStateOf(error) === UNDEFINED_TABLE)
    return new CommandError(
      'The database has no tables of this version yet: check DATABASE_URL or DATA_DIR, or run "npm run -s migrate".',
      { cause: error },
    );
  return new CommandError(`${said}: ${messageOf(error)}`, { cause: error });
}
