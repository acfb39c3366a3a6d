/**
 * Starts PostgreSQL's programs: as the cluster's user, with a minimal environment, output into the cluster's log. Never
 * through a shell.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { ClusterHome } from './cluster-home.ts';
import type { ClusterLog } from './cluster-log.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { errorCode } from './files.ts';

export interface SpawnOptions {
  /** The folder of the cluster in which the program starts. */
  readonly folder: string;
  /** In a session of its own, where a terminal's Ctrl-C does not reach it. */
  readonly ownSession: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Starts a program and returns once it runs.
 *
 * @throws EmbeddedPostgresError if the system refuses to run it
 */
export async function spawnServerProgram(
  home: ClusterHome,
  program: string,
  args: readonly string[],
  log: ClusterLog,
  options: SpawnOptions,
): Promise<ChildProcess> {
  const output = await log.openForAppend();
  try {
    const child = spawn(program, args, {
      // Entered before the user is changed: see root-cluster-home.ts.
      cwd: options.folder,
      detached: options.ownSession,
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', ...options.environment },
      stdio: ['ignore', output.fd, output.fd],
      ...(home.runAs === undefined ? {} : { uid: home.runAs.uid, gid: home.runAs.gid }),
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child;
  } catch (error) {
    throw spawnError(home, program, error);
  } finally {
    await output.close();
  }
}

/** Runs a program to its end and returns how it ended ("exit code 0"). */
export async function runServerProgram(
  home: ClusterHome,
  program: string,
  args: readonly string[],
  log: ClusterLog,
  folder: string,
): Promise<string> {
  return await ending(await spawnServerProgram(home, program, args, log, { folder, ownSession: false }));
}

/** How a child ended, in words. */
export async function ending(child: ChildProcess): Promise<string> {
  const describe = (code: number | null, signal: NodeJS.Signals | null): string =>
    signal === null ? `exit code ${code}` : `killed by ${signal}`;
  if (child.exitCode !== null || child.signalCode !== null) return describe(child.exitCode, child.signalCode);
  return await new Promise((resolve) => child.once('exit', (code, signal) => resolve(describe(code, signal))));
}

function spawnError(home: ClusterHome, program: string, error: unknown): EmbeddedPostgresError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'this system lacks what they are linked to (they need glibc; Alpine has none)',
    EPERM: `root may not start a process as ${home.runAs?.name ?? 'this user'} here; start as an ordinary user`,
    EACCES: `${home.runAs?.name ?? 'this user'} may not run them there (a private folder above? a mount with noexec?)`,
  };
  const reason = reasons[errorCode(error) ?? ''] ?? String(error);
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL cannot run: ${program}: ${reason}. Or set DATABASE_URL to a PostgreSQL server.`,
    { cause: error },
  );
}
