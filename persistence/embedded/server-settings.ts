/**
 * The settings of the embedded server. They are passed on its command line, so that they match this program's version
 * and no file in the cluster can contradict them.
 */

/** Part of the socket's file name only; no TCP port is opened. */
const SOCKET_PORT = 5432;

/** Settings for one small machine that runs only this node. Durability is never traded for speed. */
export function serverSettings(socketDir: string): Readonly<Record<string, string>> {
  return {
    // Reachable by the owner of a private folder alone.
    listen_addresses: '',
    unix_socket_directories: `"${socketDir}"`,
    unix_socket_permissions: '0700',
    port: String(SOCKET_PORT),
    max_connections: '100',

    // An acknowledged commit is on disk.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',

    shared_buffers: '256MB',
    // Few checkpoints: each makes the next change of every page log the whole page.
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    // The binaries are built without lz4, and pglz costs more CPU than the writes it saves.
    wal_compression: 'off',
    autovacuum: 'on',
    jit: 'off',
    // Parallel plans need /dev/shm (64 MB in a container) and the cores that the workers use.
    max_parallel_workers_per_gather: '0',

    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] ',
    // Statements and their values hold customers' data; their errors reach the client that sent them anyway.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
  };
}

/** A URL for node-postgres and knex. Everything is explicit, so that no PG* variable of the environment gets in. */
export function connectionUrl(socketDir: string, database: string): string {
  return `postgres://holdfast@localhost:${SOCKET_PORT}/${database}?host=${encodeURIComponent(socketDir)}&sslmode=disable`;
}
