/**
 * One life of the server process: start or take over, wait until it answers, stop.
 *
 * It never starts a second postmaster beside a living one of the same cluster: PostgreSQL's own interlock (the process
 * id and shared memory in postmaster.pid) decides, and is only ever helped to see that a process id means another
 * program by now.
 */
import path from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../../kernel/clock.ts';
import { endsWithin } from '../../kernel/stop-order.ts';
import type { Binaries } from './binaries.ts';
import type { ClusterHome } from './cluster-home.ts';
import type { ClusterLog } from './cluster-log.ts';
import { probeServer } from './database-probe.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { remedyFor } from './initialise-cluster.ts';
import { findLeftover, isRunning } from './leftover.ts';
import { serverSettings } from './server-settings.ts';
import { ending, spawnServerProgram } from './server-program.ts';

export interface Postmaster {
  readonly pid: number;
  /** Resolves with how it ended. */
  readonly exited: Promise<string>;
}

export interface ServerContext {
  readonly home: ClusterHome;
  readonly binaries: Binaries;
  readonly clusterLog: ClusterLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Old backends die within moments of their postmaster, unless one is deep in a system call. */
const OLD_BACKENDS_TIMEOUT_MS = 20_000;
const OLD_BACKENDS_RETRY_MS = 200;
/** A leftover that is silent for this long is stuck. One that recovers says so, and gets the time. */
const SILENT_LEFTOVER_TIMEOUT_MS = 5000;
/** Crash recovery reads at most max_wal_size: minutes on a slow disk. */
const READY_TIMEOUT_MS = 10 * 60 * 1000;
const READY_POLL_MS = 15;
const PROGRESS_LOG_MS = 10_000;
const EXIT_POLL_MS = 200;

interface ShutdownStep {
  readonly signal: NodeJS.Signals;
  readonly timeoutMs: number;
}
/** Without a checkpoint: recovery makes up for it at the next start. */
const IMMEDIATE_SHUTDOWN: readonly ShutdownStep[] = [
  { signal: 'SIGQUIT', timeoutMs: 5000 },
  { signal: 'SIGKILL', timeoutMs: 5000 },
];
/** Ends connections and writes a checkpoint, if there is time. */
const FAST_SHUTDOWN: readonly ShutdownStep[] = [{ signal: 'SIGINT', timeoutMs: 10_000 }, ...IMMEDIATE_SHUTDOWN];

/**
 * Returns with a server that answers: the one a killed node left over, or a new one.
 *
 * @throws EmbeddedPostgresError with the server's last words
 */
export async function startPostmaster(context: ServerContext): Promise<Postmaster> {
  const leftover = await findLeftover(context.home.clusterDir);
  if (leftover?.isOurPostmaster === true) {
    const postmaster = { pid: leftover.pid, exited: exitOfForeignProcess(leftover.pid, context.clock) };
    if (await answersInTime(context, postmaster, SILENT_LEFTOVER_TIMEOUT_MS)) {
      context.log.warn(
        { postmasterPid: leftover.pid },
        'took over the embedded PostgreSQL that a killed node left running',
      );
      return postmaster;
    }
    context.log.warn(
      { postmasterPid: leftover.pid },
      'the embedded PostgreSQL left running does not answer: stopping it',
    );
    await stopWith(IMMEDIATE_SHUTDOWN, postmaster, context.clock);
  }
  return await startNewPostmaster(context, leftover?.pid);
}

/** Stops the server in order: fast, then without a checkpoint, then by force. Resolves when it is gone. */
export async function stopPostmaster(postmaster: Postmaster, clock: Clock): Promise<void> {
  await stopWith(FAST_SHUTDOWN, postmaster, clock);
}

async function stopWith(steps: readonly ShutdownStep[], postmaster: Postmaster, clock: Clock): Promise<void> {
  for (const { signal, timeoutMs } of steps) {
    send(postmaster.pid, signal);
    if (await endsWithin(postmaster.exited, timeoutMs, clock)) return;
  }
}

async function startNewPostmaster(context: ServerContext, stalePid: number | undefined): Promise<Postmaster> {
  const { clock } = context;
  const deadline = clock.monotonicMs() + OLD_BACKENDS_TIMEOUT_MS;
  for (;;) {
    const offset = await context.clusterLog.size();
    const postmaster = await spawnPostmaster(context, stalePid);
    if (await answersInTime(context, postmaster, READY_TIMEOUT_MS)) return postmaster;

    await stopPostmaster(postmaster, clock);
    const outcome = await postmaster.exited;
    const said = await context.clusterLog.since(offset);
    if (!/pre-existing shared memory block/.test(said) || clock.monotonicMs() > deadline) {
      const remedy = await remedyFor(context.clusterLog, offset);
      throw new EmbeddedPostgresError(`The embedded PostgreSQL did not start (${outcome}).${remedy}`);
    }
    await clock.sleep(OLD_BACKENDS_RETRY_MS);
  }
}

async function spawnPostmaster(context: ServerContext, stalePid: number | undefined): Promise<Postmaster> {
  const { home, binaries, clusterLog } = context;
  const settings = Object.entries(serverSettings(home.serverSocketDir)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const program = path.join(binaries.binDir, 'postgres');
  const child = await spawnServerProgram(
    home,
    program,
    ['-D', home.pathFor(home.clusterDir), ...settings],
    clusterLog,
    {
      folder: home.clusterDir,
      ownSession: true,
      // PostgreSQL takes a lock file with this process id for its own past. pg_ctl uses the variable to the same end.
      environment: stalePid === undefined ? {} : { PG_GRANDPARENT_PID: String(stalePid) },
    },
  );
  const pid = child.pid;
  if (pid === undefined) throw new EmbeddedPostgresError('The embedded PostgreSQL did not start.');
  const exited = ending(child);
  child.unref();
  return { pid, exited };
}

/** True once the server answers; false when it ended, or was silent for `silentTimeoutMs`. */
async function answersInTime(
  context: ServerContext,
  postmaster: Postmaster,
  silentTimeoutMs: number,
): Promise<boolean> {
  let ended = false;
  void postmaster.exited.then(() => (ended = true));
  const { clock } = context;
  const startedAt = clock.monotonicMs();
  let heardAt = startedAt;
  let loggedAt = startedAt;
  for (;;) {
    const answer = await probeServer(context.home.socketDir);
    if (ended) return false;
    if (answer === 'ready') return true;
    const now = clock.monotonicMs();
    if (answer === 'busy') heardAt = now;
    if (now - heardAt > silentTimeoutMs || now - startedAt > READY_TIMEOUT_MS) return false;
    if (now - loggedAt > PROGRESS_LOG_MS) {
      loggedAt = now;
      context.log.info({ waitedMs: Math.round(now - startedAt) }, 'waiting for the embedded PostgreSQL to recover');
    }
    await clock.sleep(READY_POLL_MS);
  }
}

/** The end of a process that is not our child causes no event. */
async function exitOfForeignProcess(pid: number, clock: Clock): Promise<string> {
  while (await isRunning(pid)) await clock.sleep(EXIT_POLL_MS, { unref: true });
  return 'gone';
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
