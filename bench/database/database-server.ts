/**
 * The PostgreSQL of both sides of a run: the one of DATABASE_URL, or the bench's own embedded one. Each side gets a
 * fresh database on it, which is dropped at the end.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { prepareDataDir } from '../../config/data-dir.ts';
import { takeNodeLock } from '../../config/node-lock.ts';
import { openRuntimeDir, removeRuntimeDir } from '../../config/runtime-dir.ts';
import { startEmbeddedPostgres } from '../../persistence/embedded/embedded-postgres.ts';
import type { Cleanup } from '../host/cleanup.ts';
import { readProcessTable } from '../host/process-table.ts';

const NAME_PREFIX = 'holdfast_bench_';

/** The settings that the durability of both sides depends on. */
export interface ServerFacts {
  readonly version: string;
  readonly isEmbedded: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

const SHOWN_SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
];

export class DatabaseServer {
  readonly facts: ServerFacts;
  /** Absent where the server runs on another machine, or this one does not show its processes. */
  readonly postmasterPid: number | undefined;
  readonly #url: string;
  readonly #admin: pg.Client;
  readonly #cleanup: Cleanup;

  private constructor(
    url: string,
    admin: pg.Client,
    facts: ServerFacts,
    postmasterPid: number | undefined,
    cleanup: Cleanup,
  ) {
    this.#url = url;
    this.#admin = admin;
    this.facts = facts;
    this.postmasterPid = postmasterPid;
    this.#cleanup = cleanup;
  }

  /** Opens the server of `databaseUrl`, or starts the embedded one below `dataDir`. */
  static async open(databaseUrl: string | undefined, dataDir: string, cleanup: Cleanup): Promise<DatabaseServer> {
    const url = databaseUrl ?? (await startEmbedded(path.join(dataDir, 'bench'), cleanup));
    const admin = new pg.Client({ connectionString: url, application_name: 'holdfast/bench' });
    admin.on('error', () => undefined);
    try {
      await admin.connect();
    } catch (error) {
      throw new Error(
        `DATABASE_URL: the server can't be reached (${String(error)}); start it, or leave DATABASE_URL out`,
      );
    }
    cleanup.add(() => admin.end());
    const isEmbedded = databaseUrl === undefined;
    const facts = { version: await show(admin, 'server_version'), isEmbedded, settings: await readSettings(admin) };
    const server = new DatabaseServer(url, admin, facts, await findPostmaster(admin), cleanup);
    // This run holds the lock of the bench's own server, so leftovers of an aborted run are free to go.
    if (isEmbedded) await server.#dropLeftovers();
    return server;
  }

  /** Makes an empty database and returns its URL; it is dropped at the end. */
  async createDatabase(purpose: string): Promise<string> {
    const name = `${NAME_PREFIX}${purpose}_${randomBytes(4).toString('hex')}`;
    this.#cleanup.add(() => this.#drop(name));
    await this.#admin.query(`create database ${name}`);
    const url = new URL(this.#url);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** Writes a checkpoint, so that none that is due falls into one side's round; where we may not, it is left out. */
  async checkpoint(): Promise<void> {
    await this.#admin.query('checkpoint').catch(() => undefined);
  }

  async #drop(name: string): Promise<void> {
    await this.#admin.query(`drop database if exists ${name} with (force)`);
  }

  async #dropLeftovers(): Promise<void> {
    const names = await this.#admin.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [NAME_PREFIX],
    );
    for (const { name } of names.rows) await this.#drop(name);
  }
}

async function startEmbedded(dataDir: string, cleanup: Cleanup): Promise<string> {
  await prepareDataDir(dataDir);
  const runtimeDir = await openRuntimeDir(dataDir);
  const lock = await takeNodeLock(dataDir, runtimeDir);
  cleanup.add(() => lock.release());
  cleanup.add(() => removeRuntimeDir(dataDir));
  const starting = startEmbeddedPostgres({ dataDir, runtimeDir, log: pino({ level: 'silent' }) });
  cleanup.add(async () => {
    const server = await starting.catch(() => undefined);
    await server?.stop();
  });
  return (await starting).url;
}

async function readSettings(admin: pg.Client): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of SHOWN_SETTINGS) settings[name] = await show(admin, name);
  return settings;
}

async function show(admin: pg.Client, setting: string): Promise<string> {
  const rows = await admin.query<{ value: string }>('select current_setting($1) as value', [setting]);
  return rows.rows[0]!.value;
}

/** The parent of our own session's process, if that runs on this machine. */
async function findPostmaster(admin: pg.Client): Promise<number | undefined> {
  const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
  const session = readProcessTable()?.get(rows[0]!.pid);
  return session?.command.startsWith('postgres') === true ? session.parentPid : undefined;
}
