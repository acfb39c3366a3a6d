/**
 * Finds out whether a postmaster of our cluster is already running: one left over by a killed node. It reads
 * `postmaster.pid` and never deletes or changes it, because its last lines are what keeps a new server from starting
 * beside backends of the old one.
 */
import { execFile } from 'node:child_process';
import { readFile, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './files.ts';

export interface Leftover {
  readonly pid: number;
  /**
   * False: the file is stale. The process id may belong to some other program by now, for which PostgreSQL would
   * refuse to start.
   */
  readonly isOurPostmaster: boolean;
}

/** What `postmaster.pid` in the cluster says, checked against the process itself. */
export async function findLeftover(clusterDir: string): Promise<Leftover | undefined> {
  const text = await readFile(path.join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return undefined;
  return { pid, isOurPostmaster: isAlive(pid) && (await isPostmasterOf(pid, clusterDir)) };
}

/** A postmaster works in its cluster's folder, whatever path it was given; its children show another command line. */
async function isPostmasterOf(pid: number, clusterDir: string): Promise<boolean> {
  const command = await commandOf(pid);
  if (process.platform !== 'linux') return command.includes(clusterDir);
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  const ours = await realpath(clusterDir).catch(() => clusterDir);
  return folder === ours && command.includes('\0-D\0');
}

/** True while the process lives; a zombie does not count. */
export async function isRunning(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  return process.platform !== 'linux' || (await commandOf(pid)) !== '';
}

/** Also true for a process of another user, and for a zombie. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** The command line of a process. The postmaster keeps its own, with the cluster's folder; its children do not. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return await new Promise((resolve) => {
    execFile('/bin/ps', ['-ww', '-o', 'args=', '-p', String(pid)], (error, stdout) => resolve(error ? '' : stdout));
  });
}
