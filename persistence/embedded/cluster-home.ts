/**
 * Decides where the embedded cluster lives and which user runs it: in DATA_DIR, run by us, or for root (who may not run
 * PostgreSQL) by another user: see root-cluster-home.ts.
 */
import { chmod, chown, mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import type { ServerUser } from './server-user.ts';

export interface ClusterHome {
  /** Holds `data` and, while it is being made, its drafts. */
  readonly homeDir: string;
  /** PostgreSQL's data directory; may not exist yet. */
  readonly clusterDir: string;
  /** Where we find the server's socket. */
  readonly socketDir: string;
  /** The same folder, as the server sees it. */
  readonly serverSocketDir: string;
  /** Where copies of the binaries go. */
  readonly copiesDir: string;
  readonly logFile: string;
  /** Who runs the server; absent: we do. */
  readonly runAs?: ServerUser;
  /** The path of a folder of the cluster for a program that is started in it. */
  pathFor(folder: string): string;
  /** To call when the cluster is complete, before its first start. */
  markMade(): Promise<void>;
  /** For the operator: the data is elsewhere than expected, or old data is left over. */
  readonly warnings: readonly string[];
}

/** Programs, and the clusters that can't be held in DATA_DIR. */
export const SYSTEM_DIR = '/var/lib/holdfast';
export const ID_FILE = 'cluster-id';
export const MADE_FILE = 'cluster-made';
export const ID_PATTERN = /^[0-9a-f]{16}$/;
export const LOG_FILE = 'postgres.log';
/** In DATA_DIR. */
export const HOME_NAME = 'postgres';
/** A note in DATA_DIR of where its data is, when it is not there. */
export const ELSEWHERE_FILE = 'DATA-IS-ELSEWHERE.txt';

/** Deletes DATA_DIR's cluster, also one outside DATA_DIR. The server must be stopped. */
export async function removeEmbeddedCluster(dataDir: string, systemDir = SYSTEM_DIR): Promise<void> {
  const id = await readText(path.join(dataDir, ID_FILE));
  if (id !== undefined && ID_PATTERN.test(id)) {
    await rm(path.join(systemDir, id), { recursive: true, force: true });
  }
  for (const name of [ID_FILE, MADE_FILE, ELSEWHERE_FILE, HOME_NAME]) {
    await rm(path.join(dataDir, name), { recursive: true, force: true });
  }
}

/** @throws EmbeddedPostgresError if root made the cluster of DATA_DIR. */
export async function homeForOrdinaryUser(dataDir: string, runtimeDir: string): Promise<ClusterHome> {
  const homeDir = path.join(await realpath(dataDir), HOME_NAME);
  const clusterDir = path.join(homeDir, 'data');
  await refuseRootsCluster(dataDir, clusterDir);
  const socketDir = path.join(runtimeDir, 'pg');
  await mkdir(homeDir, { recursive: true, mode: 0o700 });
  await mkdir(socketDir, { recursive: true, mode: 0o700 });
  return {
    homeDir,
    clusterDir,
    socketDir,
    serverSocketDir: socketDir,
    copiesDir: homeDir,
    logFile: path.join(dataDir, LOG_FILE),
    pathFor: (folder) => folder,
    markMade: () => Promise.resolve(),
    warnings: [],
  };
}

async function refuseRootsCluster(dataDir: string, clusterDir: string): Promise<void> {
  const made = await stat(clusterDir).catch(() => undefined);
  const isElsewhere = (await readText(path.join(dataDir, ID_FILE))) !== undefined;
  if (!isElsewhere && (made === undefined || made.uid === process.getuid?.())) return;
  throw new EmbeddedPostgresError(
    `The database of DATA_DIR ${dataDir} was made by root or another user. ` +
      'Start as that user again, or set DATA_DIR to another folder.',
  );
}

export async function makeFolder(folder: string, mode: number, owner?: ServerUser): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  await chmod(folder, mode);
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
}

export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

export async function readText(file: string): Promise<string | undefined> {
  return (await readFile(file, 'utf8').catch(() => undefined))?.trim();
}
