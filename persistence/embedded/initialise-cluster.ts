/**
 * Makes an empty cluster. initdb works in a folder of another name, which is renamed once it is complete: an
 * interrupted one is never started, only removed.
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from './binaries.ts';
import { type ClusterHome, makeFolder } from './cluster-home.ts';
import type { ClusterLog } from './cluster-log.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { syncToDisk } from './files.ts';
import { runServerProgram } from './server-program.ts';

const DRAFT_PREFIX = 'data.making-';

/**
 * Makes the cluster if there is none. Only for the holder of DATA_DIR's lock.
 *
 * @returns true if it was made now
 * @throws EmbeddedPostgresError if initdb fails, or the cluster belongs to another major version
 */
export async function ensureCluster(home: ClusterHome, binaries: Binaries, log: ClusterLog): Promise<boolean> {
  for (const name of await readdir(home.homeDir)) {
    if (name.startsWith(DRAFT_PREFIX)) await rm(path.join(home.homeDir, name), { recursive: true, force: true });
  }
  const found = await clusterMajorVersion(home.clusterDir);
  if (found === undefined) {
    await makeCluster(home, binaries, log);
    return true;
  }
  if (found !== binaries.majorVersion) {
    throw new EmbeddedPostgresError(
      `The database in ${home.clusterDir} was made by PostgreSQL ${found}, and this version of Holdfast brings ` +
        `PostgreSQL ${binaries.majorVersion}, which cannot read it. Go back to the version of Holdfast that made it, ` +
        'or move the data with pg_dump to a server of your own and set DATABASE_URL.',
    );
  }
  await home.markMade();
  return false;
}

async function clusterMajorVersion(clusterDir: string): Promise<number | undefined> {
  const text = await readFile(path.join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

async function makeCluster(home: ClusterHome, binaries: Binaries, log: ClusterLog): Promise<void> {
  const draft = path.join(home.homeDir, `${DRAFT_PREFIX}${randomBytes(4).toString('hex')}`);
  const offset = await log.size();
  try {
    await makeFolder(draft, 0o700, home.runAs);
    const outcome = await runServerProgram(
      home,
      path.join(binaries.binDir, 'initdb'),
      initdbArguments(home.pathFor(draft)),
      log,
      draft,
    );
    if (outcome !== 'exit code 0') {
      throw new EmbeddedPostgresError(
        `The database could not be made in ${home.homeDir} (initdb: ${outcome}).${await remedyFor(log, offset)}`,
      );
    }
    await rename(draft, home.clusterDir);
    await syncToDisk(home.homeDir);
    await home.markMade();
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Fixed encoding and locale: with the system's, one database would sort and compare otherwise than another. The
 * built-in provider sorts by code point, so no update of a C library can damage an index.
 */
function initdbArguments(clusterDir: string): readonly string[] {
  return [
    `--pgdata=${clusterDir}`,
    '--username=holdfast',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ];
}

/** Explains the last lines of the log, and adds them. */
export async function remedyFor(log: ClusterLog, offset: number): Promise<string> {
  const text = await log.since(offset);
  const remedy = /no space left on device/i.test(text)
    ? ' The disk is full: free some space, or set DATA_DIR to a folder on another disk.'
    : ' Set DATABASE_URL to a PostgreSQL server if it cannot run here.';
  return `${remedy} ${log.file} says:${await log.lastLines(offset)}`;
}
