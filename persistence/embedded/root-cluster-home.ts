/**
 * Decides where root's embedded cluster lives. Another user must run the server, and that user may reach nothing below
 * a private folder (a clone in a home, DATA_DIR itself). On Linux a process that is started in a folder may use it as
 * /proc/self/cwd without a right to any folder above. So the data is in DATA_DIR, where the operator wants it, and only
 * the programs are copied to a place that their user can reach:
 *
 *   DATA_DIR/postgres/data       server 0700 the cluster and its socket; a link in the runtime folder leads there
 *   /var/lib/holdfast            root 0711   others may not list it
 *     postgres-<version>/        root 0755   the programs; their user cannot change them
 *     <id>/                      root 0711   where /proc/self/cwd or chown is missing, and of former versions:
 *       data/  run/              server 0700 the cluster, its socket; <id> is recorded in DATA_DIR
 *
 * A cluster of a former version is moved into DATA_DIR, or used where it is when it can't be moved. A DATA_DIR whose
 * cluster is gone is refused: beginning anew with an empty database would look like the loss of every order.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  ELSEWHERE_FILE,
  exists,
  HOME_NAME,
  ID_FILE,
  ID_PATTERN,
  LOG_FILE,
  MADE_FILE,
  makeFolder,
  readText,
  SYSTEM_DIR,
  type ClusterHome,
} from './cluster-home.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { createFileAtomically, errorCode, syncToDisk } from './files.ts';
import { findLeftover } from './leftover.ts';
import { findServerUser, type ServerUser } from './server-user.ts';

/** The folder a process was started in, even if it may not reach that folder by name. */
const OWN_FOLDER = '/proc/self/cwd';

/** @throws EmbeddedPostgresError if the cluster belongs to an ordinary user or is gone, or no user can run it. */
export async function homeForRoot(dataDir: string, runtimeDir: string, systemDir: string): Promise<ClusterHome> {
  const realDataDir = await realpath(dataDir);
  await makeSystemDir(systemDir);
  const inDataDir = path.join(realDataDir, HOME_NAME, 'data');
  const made = await stat(inDataDir).catch(() => undefined);
  if (made) {
    const owner = await findServerUser(made.uid);
    if (!owner) throw ordinaryUsersCluster(dataDir, made.uid);
    await forgetElsewhere(realDataDir, systemDir);
    return homeInDataDir(realDataDir, runtimeDir, systemDir, owner);
  }
  const runAs = (await findServerUser())!;
  const id = await readText(path.join(realDataDir, ID_FILE));
  const elsewhere = id === undefined ? undefined : await clusterElsewhere(realDataDir, systemDir, id);
  if (elsewhere) {
    const owner = (await findServerUser((await stat(elsewhere)).uid)) ?? runAs;
    if (await moveIntoDataDir(realDataDir, elsewhere, owner)) {
      await forgetElsewhere(realDataDir, systemDir);
      return homeInDataDir(realDataDir, runtimeDir, systemDir, owner);
    }
    return homeOutside(realDataDir, systemDir, owner);
  }
  if (await canHoldCluster(realDataDir, runAs)) {
    await rm(path.join(realDataDir, ID_FILE), { force: true });
    return homeInDataDir(realDataDir, runtimeDir, systemDir, runAs);
  }
  return homeOutside(realDataDir, systemDir, runAs);
}

async function homeInDataDir(
  dataDir: string,
  runtimeDir: string,
  systemDir: string,
  runAs: ServerUser,
): Promise<ClusterHome> {
  const homeDir = path.join(dataDir, HOME_NAME);
  const clusterDir = path.join(homeDir, 'data');
  const socketDir = path.join(runtimeDir, 'pg');
  await makeFolder(homeDir, 0o711);
  // Short, whatever the length of DATA_DIR: the path of a socket is cut at 107 bytes.
  await rm(socketDir, { recursive: true, force: true });
  await symlink(clusterDir, socketDir);
  return {
    homeDir,
    clusterDir,
    socketDir,
    serverSocketDir: '.',
    copiesDir: systemDir,
    logFile: path.join(dataDir, LOG_FILE),
    runAs,
    pathFor: () => OWN_FOLDER,
    markMade: () => Promise.resolve(),
    warnings: await formerClusters(systemDir),
  };
}

async function homeOutside(dataDir: string, systemDir: string, runAs: ServerUser): Promise<ClusterHome> {
  const homeDir = path.join(systemDir, await readOrMakeId(dataDir));
  const clusterDir = path.join(homeDir, 'data');
  const socketDir = path.join(homeDir, 'run');
  await makeFolder(homeDir, 0o711);
  await makeFolder(socketDir, 0o700, runAs);
  const notice = `the data of DATA_DIR ${dataDir} lies in ${clusterDir}: back up both, delete both`;
  await writeFile(path.join(dataDir, ELSEWHERE_FILE), `${notice}\n`);
  return {
    homeDir,
    clusterDir,
    socketDir,
    serverSocketDir: socketDir,
    copiesDir: systemDir,
    logFile: path.join(dataDir, LOG_FILE),
    runAs,
    pathFor: (folder) => folder,
    markMade: async () => void (await createFileAtomically(path.join(dataDir, MADE_FILE), `${clusterDir}\n`)),
    warnings: [notice],
  };
}

function ordinaryUsersCluster(dataDir: string, uid: number): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The database of DATA_DIR ${dataDir} was made by an ordinary user (uid ${uid}). ` +
      'Start as that user, or set DATA_DIR to another folder.',
  );
}

/** @throws EmbeddedPostgresError if it is gone. @returns undefined where none was made yet. */
async function clusterElsewhere(dataDir: string, systemDir: string, id: string): Promise<string | undefined> {
  if (!ID_PATTERN.test(id)) throw damagedId(dataDir);
  const clusterDir = path.join(systemDir, id, 'data');
  if (await exists(clusterDir)) return clusterDir;
  if ((await readText(path.join(dataDir, MADE_FILE))) === undefined) return undefined;
  throw new EmbeddedPostgresError(
    `The database of DATA_DIR ${dataDir} is gone: it lived in ${clusterDir}. Put it back, or delete DATA_DIR ` +
      'to begin with an empty one. (In a container, run as an ordinary user: then all of it lives in DATA_DIR.)',
  );
}

function damagedId(dataDir: string): EmbeddedPostgresError {
  const file = path.join(dataDir, ID_FILE);
  return new EmbeddedPostgresError(`${file} is damaged: it should name a folder in ${SYSTEM_DIR}. Put it back.`);
}

/** @returns false where it must stay: its server still runs, or it is on another disk. */
async function moveIntoDataDir(dataDir: string, from: string, owner: ServerUser): Promise<boolean> {
  if ((await findLeftover(from))?.isOurPostmaster === true || !(await canHoldCluster(dataDir, owner))) return false;
  const homeDir = path.join(dataDir, HOME_NAME);
  await makeFolder(homeDir, 0o711);
  try {
    await rename(from, path.join(homeDir, 'data'));
  } catch (error) {
    if (errorCode(error) === 'EXDEV') return false;
    throw error;
  }
  await syncToDisk(homeDir);
  await syncToDisk(path.dirname(from));
  return true;
}

/** After the data stands in DATA_DIR; a start that died between the two comes here again. */
async function forgetElsewhere(dataDir: string, systemDir: string): Promise<void> {
  const id = await readText(path.join(dataDir, ID_FILE));
  if (id === undefined) return;
  const home = path.join(systemDir, id);
  if (ID_PATTERN.test(id) && !(await exists(path.join(home, 'data')))) await rm(home, { recursive: true, force: true });
  for (const name of [MADE_FILE, ELSEWHERE_FILE, ID_FILE]) await rm(path.join(dataDir, name), { force: true });
}

/** The server's user must be able to own a folder there, and to find it by the folder it is started in. */
async function canHoldCluster(dataDir: string, owner: ServerUser): Promise<boolean> {
  if (!(await exists(OWN_FOLDER))) return false;
  const probe = path.join(dataDir, `.owner-probe-${randomBytes(6).toString('hex')}`);
  try {
    await makeFolder(probe, 0o700, owner);
    return (await lstat(probe)).uid === owner.uid;
  } catch {
    return false;
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

/** Whether their DATA_DIR is gone or only not mounted can't be known here, so a person decides. */
async function formerClusters(systemDir: string): Promise<string[]> {
  const ids = (await readdir(systemDir)).filter((name) => ID_PATTERN.test(name)).sort();
  if (ids.length === 0) return [];
  const list = ids.slice(0, 5).join(', ') + (ids.length > 5 ? ' ...' : '');
  return [
    `${systemDir} holds ${ids.length} databases of other data folders (${list}): a DATA_DIR names its own in ` +
      `${ID_FILE} and takes it in at its next start; delete those whose DATA_DIR is gone`,
  ];
}

async function readOrMakeId(dataDir: string): Promise<string> {
  const file = path.join(dataDir, ID_FILE);
  await createFileAtomically(file, randomBytes(8).toString('hex'));
  const id = await readText(file);
  if (id === undefined || !ID_PATTERN.test(id)) throw damagedId(dataDir);
  return id;
}

/** What root runs or trusts must not stand in a folder that others can write. */
async function makeSystemDir(systemDir: string): Promise<void> {
  try {
    await mkdir(path.dirname(systemDir), { recursive: true });
    await makeFolder(systemDir, 0o711);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `Root keeps the programs of the embedded PostgreSQL in ${systemDir}, which cannot be made (${String(error)}). ` +
        'Start as an ordinary user, or set DATABASE_URL.',
      { cause: error },
    );
  }
  const stats = await lstat(systemDir);
  if (!stats.isDirectory() || stats.uid !== 0 || (stats.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(`${systemDir} must be a folder that belongs to root and that only root can write.`);
  }
}
