/**
 * DATA_DIR as a folder: it exists, belongs to us alone and is writable, or the operator reads why not. Other modules
 * own its content (node-lock, runtime-dir, dev-secret, the embedded PostgreSQL).
 */
import { constants, type Stats } from 'node:fs';
import { link, mkdir, open, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { ConfigError } from './config-error.ts';

/** One disk block: enough to detect a full disk or a used-up quota. */
const PROBE_BYTES = 4096;
const ROOT = 0;
const OTHERS_WRITE = 0o022;

/**
 * Makes DATA_DIR (0700, with its parents) where it is absent, and proves by a synced write that it can be used.
 * A folder that exists keeps its mode, and is refused where another user could put files into it.
 *
 * @throws ConfigError naming DATA_DIR, what is wrong with it and the remedy
 */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    const stats = await stat(dataDir);
    if (!stats.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    refuseOthersFolder(dataDir, stats);
    const probe = path.join(dataDir, `.write-probe-${randomBytes(6).toString('hex')}`);
    try {
      await writeSynced(probe, Buffer.alloc(PROBE_BYTES), 0o600);
    } finally {
      await rm(probe, { force: true });
    }
  } catch (error) {
    throw error instanceof ConfigError ? error : dataDirError(dataDir, error);
  }
}

/**
 * Makes a folder with its parents. Node's own recursive mkdir never ends below /proc, where making a folder inside an
 * existing one fails with ENOENT.
 */
async function makeFolder(folder: string): Promise<void> {
  const parent = path.dirname(folder);
  const made = await makeOne(folder);
  if (made !== 'ENOENT') return;
  if (parent !== folder) await makeFolder(parent);
  if ((await makeOne(folder)) === 'ENOENT') throw Object.assign(new Error(), { code: 'ENOENT' });
}

/** @returns why not, where a person need not hear of it yet. */
async function makeOne(folder: string): Promise<'ENOENT' | 'EEXIST' | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'EEXIST') return code;
    throw error;
  }
}

/** The node trusts its secret and records. @throws ConfigError naming what is wrong and the remedy. */
function refuseOthersFolder(dataDir: string, { uid, mode }: Stats): void {
  const own = process.geteuid?.() ?? uid;
  const elsewhere = 'or set DATA_DIR to a folder below it, which is then made for this user alone';
  if (uid !== own && uid !== ROOT) {
    throw new ConfigError(
      `DATA_DIR ${dataDir} belongs to another user (uid ${uid}, this is uid ${own}), who could plant a secret in it; chown it, ${elsewhere}.`,
    );
  }
  if ((mode & OTHERS_WRITE) !== 0) {
    throw new ConfigError(
      `DATA_DIR ${dataDir} can be written by other users (mode ${(mode & 0o777).toString(8)}), who could plant a secret in it; chmod 700 it, ${elsewhere}.`,
    );
  }
}

/**
 * Writes a file so that it either has its whole content or does not exist, and the first writer wins.
 *
 * @returns false if the file existed before; it is left as it was
 */
export async function createFileAtomically(file: string, content: string, mode: number): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeSynced(draft, content, mode);
    await link(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Explains a file system error below DATA_DIR to the operator. */
export function dataDirError(dataDir: string, error: unknown): ConfigError {
  const elsewhere = 'set DATA_DIR to a folder that this user can write';
  const uid = process.getuid?.() ?? 'unknown';
  const reasons: Readonly<Record<string, string>> = {
    EACCES: `may not be used by this user (uid ${uid}); ${elsewhere}, or give this user the folder with chown`,
    EPERM: `may not be used by this user (uid ${uid}); ${elsewhere}, or give this user the folder with chown`,
    EROFS: `is on a read-only file system; ${elsewhere}`,
    EEXIST: `is not a directory; ${elsewhere}, or move that file away`,
    ENOENT: `can't be made, or takes no files: its path leads below /proc or through a link to nothing; ${elsewhere}`,
    ELOOP: `leads through symbolic links in a circle; ${elsewhere}`,
    ENOTDIR: `is not a directory, or a part of its path is none; ${elsewhere}`,
    ENOSPC: 'is on a full disk; free some space, or set DATA_DIR to a folder on another disk',
    EDQUOT: 'is over its disk quota; free some space, or set DATA_DIR to a folder on another disk',
    ENAMETOOLONG: 'has too long a path; set DATA_DIR to a shorter one',
  };
  const reason = reasons[errorCode(error) ?? ''] ?? `cannot be used (${String(error)}); ${elsewhere}`;
  return new ConfigError(`DATA_DIR ${dataDir} ${reason}.`, { cause: error });
}

/** The `code` of a system error (`ENOENT` ...), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function writeSynced(file: string, content: string | Buffer, mode: number): Promise<void> {
  const handle = await open(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
