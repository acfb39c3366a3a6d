/**
 * The node's own PostgreSQL: starts it, keeps it alive, stops it. Only for the holder of DATA_DIR's lock.
 *
 *   starting --> running --(it died)--> restarting --> running
 *                   |                       |-- too often --> failed (`exited` says so)
 *                   '------- stop() --------'---------------> stopped
 *
 * The server runs in a session of its own: a terminal's Ctrl-C must not stop it before the node has drained, and a
 * killed node leaves it running, for the next start to take over. The URL stays the same for as long as the node runs;
 * connections break when the server does, and the journal treats that as "outcome unknown".
 */
import type { Logger } from 'pino';
import { systemClock, type Clock, type Timer } from '../../kernel/clock.ts';
import { prepareBinaries } from './binaries.ts';
import { homeForOrdinaryUser, SYSTEM_DIR } from './cluster-home.ts';
import { ClusterLog } from './cluster-log.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { ensureCluster } from './initialise-cluster.ts';
import { type Postmaster, type ServerContext, startPostmaster, stopPostmaster } from './postmaster.ts';
import { homeForRoot } from './root-cluster-home.ts';
import { connectionUrl } from './server-settings.ts';

export { removeEmbeddedCluster } from './cluster-home.ts';
export { EmbeddedPostgresError } from './embedded-postgres-error.ts';

export interface EmbeddedPostgresOptions {
  /** Exists, belongs to us, and is locked by us. */
  readonly dataDir: string;
  /** Short and private, for the socket. */
  readonly runtimeDir: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Root's place for programs (`/var/lib/holdfast`); another one only in tests. */
  readonly systemDir?: string;
}

export type EmbeddedPostgresExit =
  { readonly reason: 'stopped' } | { readonly reason: 'failed'; readonly error: EmbeddedPostgresError };

export interface EmbeddedPostgres {
  /** For node-postgres and knex: superuser `holdfast`, database `holdfast`, over a Unix socket. */
  readonly url: string;
  /** The postmaster's; changes when it had to be restarted. */
  readonly pid: number;
  /** True if this start made the cluster. */
  readonly isNew: boolean;
  /** Stops the server; resolves when it is gone. Calls after the first one wait for the same. */
  stop(): Promise<void>;
  /** Resolves when the server is stopped, or when it died too often to be restarted. Never rejects. */
  readonly exited: Promise<EmbeddedPostgresExit>;
}

const RESTART_DELAY_MS_MIN = 50;
const RESTART_DELAY_MS_MAX = 2000;
/** More deaths than this in the window are no accident. */
const RESTARTS_MAX = 8;
const RESTART_WINDOW_MS = 5 * 60 * 1000;
const LOG_CHECK_INTERVAL_MS = 60_000;

/**
 * Starts the node's own PostgreSQL, or takes over the one that a killed node left running.
 *
 * @throws EmbeddedPostgresError with the remedy, when there are no binaries for this platform, the cluster cannot be
 *   made or read, or the server does not start
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, runtimeDir, systemDir = SYSTEM_DIR, clock = systemClock } = options;
  const startedAt = clock.monotonicMs();
  const isRoot = process.getuid?.() === 0;
  const home = isRoot
    ? await homeForRoot(dataDir, runtimeDir, systemDir)
    : await homeForOrdinaryUser(dataDir, runtimeDir);
  for (const reason of home.warnings) options.log.warn({ reason }, 'data lies outside of DATA_DIR');
  const binaries = await prepareBinaries(home.copiesDir, home.runAs !== undefined, clock);
  const clusterLog = new ClusterLog(home.logFile);
  await clusterLog.rotateIfLarge();
  const isNew = await ensureCluster(home, binaries, clusterLog);
  const context: ServerContext = { home, binaries, clusterLog, clock, log: options.log };
  const server = new SupervisedServer(context, isNew, await startPostmaster(context));
  options.log.info(
    {
      postmasterPid: server.pid,
      version: binaries.version,
      dataIn: home.clusterDir,
      tookMs: Math.round(clock.monotonicMs() - startedAt),
      isNew,
    },
    'embedded PostgreSQL is ready',
  );
  return server;
}

class SupervisedServer implements EmbeddedPostgres {
  readonly url: string;
  readonly isNew: boolean;
  readonly exited: Promise<EmbeddedPostgresExit>;

  readonly #context: ServerContext;
  readonly #stopping = new AbortController();
  readonly #logCheck: Timer;
  #postmaster: Postmaster;
  #stopped: Promise<void> | undefined;

  constructor(context: ServerContext, isNew: boolean, postmaster: Postmaster) {
    this.url = connectionUrl(context.home.socketDir, 'holdfast');
    this.isNew = isNew;
    this.#context = context;
    this.#postmaster = postmaster;
    this.#logCheck = context.clock.every(LOG_CHECK_INTERVAL_MS, () => void this.#checkLog(), { unref: true });
    this.exited = this.#supervise();
  }

  get pid(): number {
    return this.#postmaster.pid;
  }

  async stop(): Promise<void> {
    await (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await stopPostmaster(this.#postmaster, this.#context.clock);
    // A restart that was under way when we were told to stop brings its server down itself.
    await this.exited;
  }

  async #supervise(): Promise<EmbeddedPostgresExit> {
    const { log, clock } = this.#context;
    const restartedAt: number[] = [];
    let reason: string | undefined;
    for (;;) {
      reason ??= await this.#postmaster.exited;
      if (this.#isStopping()) return this.#end({ reason: 'stopped' });
      log.error({ postmasterPid: this.pid, reason }, 'embedded PostgreSQL died: restarting it');

      const now = clock.monotonicMs();
      while (restartedAt.length > 0 && now - (restartedAt[0] ?? 0) > RESTART_WINDOW_MS) restartedAt.shift();
      if (restartedAt.length >= RESTARTS_MAX) {
        const message = `The embedded PostgreSQL died ${RESTARTS_MAX} times in a row; the last time: ${reason}`;
        return this.#end({ reason: 'failed', error: new EmbeddedPostgresError(message) });
      }
      restartedAt.push(now);

      const delayMs = Math.min(RESTART_DELAY_MS_MIN * 2 ** (restartedAt.length - 1), RESTART_DELAY_MS_MAX);
      await clock.sleep(delayMs, { signal: this.#stopping.signal });
      if (this.#isStopping()) return this.#end({ reason: 'stopped' });
      reason = await this.#restart();
    }
  }

  /** @returns why it failed, or undefined if a server runs (or we were told to stop meanwhile, and none does) */
  async #restart(): Promise<string | undefined> {
    try {
      this.#postmaster = await startPostmaster(this.#context);
      this.#context.log.warn({ postmasterPid: this.pid }, 'embedded PostgreSQL is ready again');
      if (this.#isStopping()) await stopPostmaster(this.#postmaster, this.#context.clock);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** A method, because the compiler would take a signal seen unaborted for one that stays so. */
  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #end(exit: EmbeddedPostgresExit): EmbeddedPostgresExit {
    this.#logCheck.cancel();
    return exit;
  }

  async #checkLog(): Promise<void> {
    try {
      await this.#context.clusterLog.rotateIfLarge();
    } catch (error) {
      this.#context.log.warn({ err: error }, 'the log of the embedded PostgreSQL could not be rotated');
    }
  }
}
