/**
 * The runtime folder: a short, private place for Unix sockets (the workers', PostgreSQL's, the node lock's).
 *
 * Socket paths are cut silently at 107 bytes (103 on macOS), so they cannot stand in DATA_DIR, whose path may be of any
 * length. The folder has a random name, belongs to this user alone (0700) and is recorded in DATA_DIR, so that a node
 * finds it, and the processes that still listen there, after its predecessor was killed.
 */
import { constants } from 'node:fs';
import { access, lstat, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { createFileAtomically } from './data-dir.ts';

const RECORD_FILE = 'runtime-dir';
/** Leaves at least 40 bytes of a socket path to the names below the folder. */
const RUNTIME_DIR_BYTES_MAX = 62;
const NAME_PREFIX = 'holdfast-';
const RANDOM_SUFFIX_LENGTH = 6;

/**
 * Finds the runtime folder recorded in DATA_DIR, or makes and records a new one.
 *
 * @throws ConfigError if there is no place for it
 */
export async function openRuntimeDir(dataDir: string): Promise<string> {
  const recordFile = path.join(dataDir, RECORD_FILE);
  const recorded = await readRecord(recordFile);
  if (recorded !== undefined && (await isUsable(recorded))) return recorded;

  const made = await mkdtemp(path.join(await shortTemporaryRoot(), NAME_PREFIX));
  if (recorded === undefined) {
    if (await createFileAtomically(recordFile, made, 0o600)) return made;
    // Another node started at the same time and was first: use its folder; the node lock lets one of the two run.
    await rm(made, { recursive: true, force: true });
    const theirs = await readRecord(recordFile);
    if (theirs !== undefined && (await isUsable(theirs))) return theirs;
    throw new ConfigError(`DATA_DIR: another node is starting on ${dataDir}; try again, or set DATA_DIR elsewhere.`);
  }
  await replaceRecord(recordFile, made);
  return made;
}

/** Removes the folder that is recorded, and the record. Only when no process listens there and no node is starting. */
export async function removeRuntimeDir(dataDir: string): Promise<void> {
  const recordFile = path.join(dataDir, RECORD_FILE);
  const recorded = await readRecord(recordFile);
  if (recorded === undefined) return;
  const isOurs = path.basename(recorded).startsWith(NAME_PREFIX) && (await isUsable(recorded));
  if (isOurs) await rm(recorded, { recursive: true, force: true });
  await rm(recordFile, { force: true });
}

/** Removes DATA_DIR and what its node keeps elsewhere. Only when none of the node's processes is left. */
export async function removeDataDir(dataDir: string): Promise<void> {
  await removeRuntimeDir(dataDir);
  await rm(dataDir, { recursive: true, force: true });
}

async function readRecord(recordFile: string): Promise<string | undefined> {
  const text = await readFile(recordFile, 'utf8').catch(() => '');
  return path.isAbsolute(text) ? text : undefined;
}

async function replaceRecord(recordFile: string, runtimeDir: string): Promise<void> {
  const draft = `${recordFile}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, runtimeDir, { mode: 0o600, flag: 'wx' });
  await rename(draft, recordFile);
}

/** It belongs to us alone and is no link. If a cleaner of temporary files removed it, it is made again. */
async function isUsable(runtimeDir: string): Promise<boolean> {
  await mkdir(runtimeDir, { mode: 0o700 }).catch(() => undefined);
  const stats = await lstat(runtimeDir).catch(() => undefined);
  return stats !== undefined && stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
}

async function shortTemporaryRoot(): Promise<string> {
  const candidates = [tmpdir(), '/tmp', '/var/tmp', '/dev/shm'];
  for (const candidate of candidates) {
    const bytes = Buffer.byteLength(path.join(candidate, NAME_PREFIX)) + RANDOM_SUFFIX_LENGTH;
    if (bytes > RUNTIME_DIR_BYTES_MAX) continue;
    try {
      await access(candidate, constants.W_OK | constants.X_OK);
      return candidate;
    } catch {
      // Try the next one.
    }
  }
  throw new ConfigError(
    `No folder for Unix sockets: none of ${candidates.join(', ')} is both writable and short enough; ` +
      'set TMPDIR to a writable folder with a path of at most 40 characters.',
  );
}
