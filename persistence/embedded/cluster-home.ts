/**
 * Owns the question where the embedded cluster lives and who runs it.
 *
 * An ordinary user runs it in DATA_DIR. Root must not: PostgreSQL refuses to run as root, and the unprivileged
 * user who then runs it can reach nothing below a private folder (a clone in a home, DATA_DIR itself). So for root
 * the cluster lives in `/var/lib/holdfast/<id>`, the id recorded in DATA_DIR:
 *
 *   /var/lib/holdfast            root 0711   nobody else may list it
 *     postgres-<version>/        root 0755   the binaries; their runner cannot change them
 *     <id>/                      root 0711
 *       data/  run/              server 0700 the cluster, its socket
 *
 * A DATA_DIR whose cluster was made by another kind of user, or is gone, is refused: beginning anew with an empty
 * database would look like the loss of every order.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { createFileAtomically } from './files.ts';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface ClusterHome {
  /** Holds `data` and, while it is being made, its drafts. */
  readonly homeDir: string;
  /** PostgreSQL's data directory; may not exist yet. */
  readonly clusterDir: string;
  readonly socketDir: string;
  /** Where copies of the binaries go. */
  readonly copiesDir: string;
  readonly logFile: string;
  /** Who runs the server; absent: we do. */
  readonly runAs?: ServerUser;
  /** To call when the cluster is complete, before its first start. */
  markMade(): Promise<void>;
}

const SYSTEM_DIR = '/var/lib/holdfast';
const ID_FILE = 'cluster-id';
const MADE_FILE = 'cluster-made';
const ID_PATTERN = /^[0-9a-f]{16}$/;
const LOG_FILE = 'postgres.log';
/** The first that exists runs the server when we are root. */
const SERVER_USERS = ['postgres', '_postgres', 'nobody'];

/**
 * Finds or makes the folders of DATA_DIR's cluster.
 *
 * @param systemDir root's place for clusters; another one only in tests
 * @throws EmbeddedPostgresError if DATA_DIR's cluster belongs to another kind of user, or is gone
 */
export async function openClusterHome(
  dataDir: string,
  runtimeDir: string,
  systemDir = SYSTEM_DIR,
): Promise<ClusterHome> {
  const realDataDir = await realpath(dataDir);
  return process.getuid?.() === 0
    ? await homeForRoot(realDataDir, systemDir)
    : await homeForOrdinaryUser(realDataDir, runtimeDir);
}

/** Deletes DATA_DIR's cluster for good, also the part of it outside DATA_DIR. The server must be stopped. */
export async function removeEmbeddedCluster(dataDir: string, systemDir = SYSTEM_DIR): Promise<void> {
  const id = await readText(path.join(dataDir, ID_FILE));
  if (id !== undefined && ID_PATTERN.test(id)) {
    await rm(path.join(systemDir, id), { recursive: true, force: true });
  }
  for (const name of [ID_FILE, MADE_FILE, 'postgres']) {
    await rm(path.join(dataDir, name), { recursive: true, force: true });
  }
}

async function homeForOrdinaryUser(dataDir: string, runtimeDir: string): Promise<ClusterHome> {
  if ((await readText(path.join(dataDir, ID_FILE))) !== undefined) {
    throw new EmbeddedPostgresError(
      `The database of DATA_DIR ${dataDir} was made by root and lives outside of it. ` +
        'Start as root again, or set DATA_DIR to another folder.',
    );
  }
  const homeDir = path.join(dataDir, 'postgres');
  const socketDir = path.join(runtimeDir, 'pg');
  await mkdir(homeDir, { recursive: true, mode: 0o700 });
  await mkdir(socketDir, { recursive: true, mode: 0o700 });
  return {
    homeDir,
    clusterDir: path.join(homeDir, 'data'),
    socketDir,
    copiesDir: homeDir,
    logFile: path.join(dataDir, LOG_FILE),
    markMade: () => Promise.resolve(),
  };
}

async function homeForRoot(dataDir: string, systemDir: string): Promise<ClusterHome> {
  await refuseOrdinaryUsersCluster(dataDir);
  const runAs = await findServerUser();
  const id = await readOrMakeId(dataDir);
  await makeSystemDir(systemDir);
  const homeDir = path.join(systemDir, id);
  const clusterDir = path.join(homeDir, 'data');
  if ((await readText(path.join(dataDir, MADE_FILE))) !== undefined && !(await exists(clusterDir))) {
    throw new EmbeddedPostgresError(
      `The database of DATA_DIR ${dataDir} is gone: it lived in ${clusterDir}. Put it back, or delete DATA_DIR ` +
        'to begin with an empty one. (In a container, run as an ordinary user: then all of it lives in DATA_DIR.)',
    );
  }
  const socketDir = path.join(homeDir, 'run');
  await makeFolder(homeDir, 0o711);
  await makeFolder(socketDir, 0o700, runAs);
  return {
    homeDir,
    clusterDir,
    socketDir,
    copiesDir: systemDir,
    logFile: path.join(dataDir, LOG_FILE),
    runAs,
    markMade: async () => void (await createFileAtomically(path.join(dataDir, MADE_FILE), `${clusterDir}\n`)),
  };
}

async function refuseOrdinaryUsersCluster(dataDir: string): Promise<void> {
  const theirs = await stat(path.join(dataDir, 'postgres', 'data')).catch(() => undefined);
  if (theirs === undefined) return;
  throw new EmbeddedPostgresError(
    `The database of DATA_DIR ${dataDir} was made by an ordinary user (uid ${theirs.uid}). ` +
      'Start as that user, or set DATA_DIR to another folder.',
  );
}

async function readOrMakeId(dataDir: string): Promise<string> {
  const file = path.join(dataDir, ID_FILE);
  await createFileAtomically(file, randomBytes(8).toString('hex'));
  const id = await readText(file);
  if (id === undefined || !ID_PATTERN.test(id)) {
    throw new EmbeddedPostgresError(`${file} is damaged: it should name a folder in ${SYSTEM_DIR}. Put it back.`);
  }
  return id;
}

/** What root runs or trusts must not stand in a folder that others can write. */
async function makeSystemDir(systemDir: string): Promise<void> {
  try {
    await mkdir(path.dirname(systemDir), { recursive: true });
    await makeFolder(systemDir, 0o711);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `Root keeps the embedded PostgreSQL in ${systemDir}, which cannot be made (${String(error)}). ` +
        'Start as an ordinary user, or set DATABASE_URL.',
      { cause: error },
    );
  }
  const stats = await lstat(systemDir);
  if (!stats.isDirectory() || stats.uid !== 0 || (stats.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(`${systemDir} must be a folder that belongs to root and that only root can write.`);
  }
}

export async function makeFolder(folder: string, mode: number, owner?: ServerUser): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  await chmod(folder, mode);
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
}

async function findServerUser(): Promise<ServerUser> {
  const lines = ((await readText('/etc/passwd')) ?? '').split('\n').map((line) => line.split(':'));
  for (const wanted of SERVER_USERS) {
    const [name, , uid, gid] = lines.find((fields) => fields[0] === wanted) ?? [];
    // macOS writes nobody's ids as -2.
    if (name !== undefined) return { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and this system has no user ${SERVER_USERS.join(' or ')}. ` +
      'Start as an ordinary user, or set DATABASE_URL.',
  );
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function readText(file: string): Promise<string | undefined> {
  return (await readFile(file, 'utf8').catch(() => undefined))?.trim();
}
