/**
 * Sessions with PostgreSQL: how they are opened, what every one of them sets, and how a value comes back. A session
 * that stops answering is cut: behind a black hole only the client's own clock helps.
 */
import pg from 'pg';
import { StartupError } from '../../kernel/errors.ts';
import { connectionProblem } from './connection-problem.ts';
import { readDatabaseUrl } from './database-url.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of the runtime takes longer on a healthy server. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** The server's limit comes first; this one is for a server, or a network, that has gone silent. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
const TCP_KEEPALIVE_DELAY_MS = 10_000;

const INT8 = 20;
const JSON_TEXT = 114;
const TIMESTAMPTZ = 1184;

/** bigint as number (every one of ours fits 2^53), timestamptz as ms since the epoch, json as its text. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number;
    if (oid === TIMESTAMPTZ) return (text: string) => Date.parse(text);
    if (oid === JSON_TEXT) return (text: string) => text;
    return pg.types.getTypeParser(oid, format) as (text: string) => unknown;
  },
};

/**
 * For sessions whose every statement finds its rows by an index. Plans are made once and kept, often while the tables
 * are young and their statistics say "empty": then a scan of all of the journal looks cheap, and stays the plan when it
 * has millions of rows (seen: an append that read the whole journal).
 */
const BY_INDEX_ONLY = ' -c enable_seqscan=off -c enable_bitmapscan=off';

/**
 * Our statements are short. Where one must scan a table after all, the scan that is switched off counts as endlessly dear,
 * and a server with LLVM compiles the statement first: 500 ms of CPU for the 0.3 ms of a lease's renewal (seen).
 */
const UNCOMPILED = ' -c jit=off';

const SESSION_OPTIONS = '-c TimeZone=UTC -c DateStyle=ISO -c synchronous_commit=on' + UNCOMPILED;

/** `purpose` shows in pg_stat_activity, e.g. `holdfast/w0-x7f/journal`. */
export function connectionConfig(url: string, purpose: string): pg.ClientConfig {
  const own = {
    application_name: purpose,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: TCP_KEEPALIVE_DELAY_MS,
    types,
  };
  const { connectionString, options } = readDatabaseUrl(url, Object.keys(own));
  return { ...own, connectionString, options: `${options} ${SESSION_OPTIONS}`.trimStart() };
}

function byIndexOnly(config: pg.ClientConfig): pg.ClientConfig {
  return { ...config, options: config.options + BY_INDEX_ONLY };
}

/** A pool for reads and rare statements. Errors of idle sessions are the pool's business: it opens another. */
export function openPool(url: string, purpose: string, sizeMax: number): pg.Pool {
  const pool = new pg.Pool({ ...byIndexOnly(connectionConfig(url, purpose)), max: sizeMax });
  pool.on('error', () => undefined);
  return pool;
}

/**
 * The server may not know that a session was cut: what the client had half-sent then holds its locks for as long as TCP
 * hopes. Purposes are unique to a process and a kind of statement, so no other session is affected.
 */
const END_PREDECESSORS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = current_setting('application_name')
    AND pid <> pg_backend_pid()`;

export interface SessionOptions {
  /** After so long without an answer the session is cut, and the statement's outcome is unknown. */
  readonly queryTimeoutMs?: number;
  /** A statement that waits longer for a lock fails with 55P03. */
  readonly lockTimeoutMs?: number;
  /** Receives the notifications of these channels while the session is open. */
  readonly listen?: Readonly<Record<string, (payload: string) => void>>;
}

/**
 * One session for one kind of statement, opened when first used and again after it broke: then its predecessor is ended
 * first, so that a statement whose outcome is unknown has one before the next begins.
 */
export class Session {
  readonly #config: pg.ClientConfig;
  readonly #options: SessionOptions;
  #client: pg.Client | undefined;
  #opening: Promise<pg.Client> | undefined;
  #opened = false;

  constructor(url: string, purpose: string, options: SessionOptions = {}) {
    const { queryTimeoutMs, lockTimeoutMs } = options;
    const config = byIndexOnly(connectionConfig(url, purpose));
    this.#options = options;
    this.#config = {
      ...config,
      ...(queryTimeoutMs !== undefined && {
        query_timeout: queryTimeoutMs,
        // For a server that the client's cut does not reach: the next session ends what runs there.
        statement_timeout: 2 * queryTimeoutMs,
        connectionTimeoutMillis: queryTimeoutMs,
      }),
      ...(lockTimeoutMs !== undefined && { options: `${config.options} -c lock_timeout=${lockTimeoutMs}` }),
    };
  }

  /** @throws what the driver throws; after any failure of the connection the next call opens a new one. */
  async query(query: pg.QueryConfig): Promise<pg.QueryResult<Record<string, unknown>>> {
    const client = this.#client ?? (await (this.#opening ??= this.#open().finally(() => (this.#opening = undefined))));
    try {
      return await client.query(query);
    } catch (error) {
      if (isBroken(sqlStateOf(error))) this.#drop(client);
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #open(): Promise<pg.Client> {
    const client = new pg.Client(this.#config);
    client.on('error', () => this.#drop(client));
    try {
      await this.#prepare(client);
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    this.#client = client;
    return client;
  }

  async #prepare(client: pg.Client): Promise<void> {
    await client.connect();
    if (this.#opened) await client.query(END_PREDECESSORS);
    this.#opened = true;
    const { listen } = this.#options;
    if (listen) {
      client.on('notification', ({ channel, payload }) => listen[channel]?.(payload ?? ''));
      for (const channel of Object.keys(listen)) await client.query(`LISTEN ${channel}`);
    }
  }

  #drop(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
    client.end().catch(() => undefined);
  }
}

/** No answer of the server, or its last one: terminated (57P01..57P05), connection exceptions, idle in a transaction. */
function isBroken(sqlState: string | undefined): boolean {
  return sqlState === undefined || /^(57P|08|25P03)/.test(sqlState);
}

/** The server's five-character code; undefined when the failure is not the server's answer. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('severity' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One session, for the length of `work`. @throws StartupError, naming the remedy, when the server can't be reached. */
export async function withClient<T>(url: string, purpose: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  let client: pg.Client;
  try {
    client = new pg.Client(connectionConfig(url, purpose)); // reads the files of certificates
    client.on('error', () => undefined);
    await client.connect();
  } catch (error) {
    throw new StartupError(connectionProblem(error), { cause: error });
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
