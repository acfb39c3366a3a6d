/**
 * Probes a server: does it answer, is it ours, does its database exist? Each question opens a connection and closes it
 * again.
 */
import pg from 'pg';
import { connectionUrl } from './server-settings.ts';

const DATABASE = 'holdfast';
const PROBE_TIMEOUT_MS = 2000;
/** Creating a database copies a template of 7 MB; a slow disk may take its time. */
const CREATE_TIMEOUT_MS = 60_000;

const SQLSTATE = { unknownDatabase: '3D000', duplicateDatabase: '42P04', startingOrStopping: '57P03' } as const;

/** `busy`: it is there, and starts, recovers or stops. `silent`: no server answers. */
export type ProbeAnswer = 'ready' | 'busy' | 'silent';

/** Asks the server at the socket; `ready` means that the database exists and answers queries. */
export async function probeServer(socketDir: string): Promise<ProbeAnswer> {
  try {
    await query(socketDir, DATABASE, 'SELECT 1', PROBE_TIMEOUT_MS);
    return 'ready';
  } catch (error) {
    const state = sqlState(error);
    if (state === SQLSTATE.unknownDatabase) return await createDatabase(socketDir);
    return state === SQLSTATE.startingOrStopping ? 'busy' : 'silent';
  }
}

async function createDatabase(socketDir: string): Promise<ProbeAnswer> {
  try {
    await query(socketDir, 'postgres', `CREATE DATABASE ${DATABASE}`, CREATE_TIMEOUT_MS);
  } catch (error) {
    if (sqlState(error) !== SQLSTATE.duplicateDatabase) throw error;
  }
  return 'ready';
}

async function query(socketDir: string, database: string, sql: string, timeoutMs: number): Promise<void> {
  const client = new pg.Client({
    connectionString: connectionUrl(socketDir, database),
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
    query_timeout: timeoutMs,
  });
  // A connection that breaks also rejects the call in flight; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
