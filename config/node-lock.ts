/**
 * The lock by which only one node runs on a DATA_DIR, also across kill -9, without any timeout.
 *
 * The holder listens on a Unix socket, which the kernel closes with the process, however it dies. So a successful
 * connect proves that the holder lives, a failed one that it is dead. Process ids are only shown to people: they are
 * reused and differ between containers.
 *
 * The lock itself is the highest numbered file `node-lock.<n>` in DATA_DIR. A dead holder's lock is never removed and
 * made anew (between the two, a second taker could remove the fresh one); the taker creates the next number, which the
 * file system grants once, and then looks whether its number is still the highest: if others came and went meanwhile,
 * it is not, and the taker begins again. Only lower numbers are ever deleted, also at a clean stop: a sequence that
 * fell back would let two takers with different starting points both find theirs the highest.
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { createFileAtomically, dataDirError, errorCode } from './data-dir.ts';

export interface NodeLock {
  /** Gives the lock back. Afterwards another node may start. */
  release(): Promise<void>;
}

const LOCK_NAME = /^node-lock\.(\d{1,15})$/;
/** Each lost attempt means that another taker came in between; more than a few in a row are no race. */
const ATTEMPTS_MAX = 20;

/**
 * Takes the lock of DATA_DIR, at once or not at all. The socket lives in `runtimeDir`. Call it in the primary
 * process only: a cluster worker's listening socket would be its primary's.
 *
 * @throws ConfigError if a live node holds it
 */
export async function takeNodeLock(dataDir: string, runtimeDir: string): Promise<NodeLock> {
  const socketPath = path.join(runtimeDir, `node-${randomBytes(4).toString('hex')}.sock`);
  const server = await listen(socketPath);
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await tryTake(dataDir, socketPath)) return holding(server, socketPath);
    }
    throw new ConfigError(`Several nodes try to start on DATA_DIR ${dataDir} at once; start only one.`);
  } catch (error) {
    await close(server, socketPath);
    throw error instanceof ConfigError ? error : dataDirError(dataDir, error);
  }
}

async function tryTake(dataDir: string, socketPath: string): Promise<boolean> {
  const highest = (await lockNumbers(dataDir)).at(-1) ?? 0;
  if (highest > 0) await refuseIfAlive(dataDir, highest);
  const mine = highest + 1;
  const content = JSON.stringify({ pid: process.pid, socketPath });
  if (!(await createFileAtomically(lockFile(dataDir, mine), content, 0o600))) return false;
  const numbers = await lockNumbers(dataDir);
  if (numbers.at(-1) !== mine) {
    await rm(lockFile(dataDir, mine), { force: true });
    return false;
  }
  for (const number of numbers) if (number < mine) await rm(lockFile(dataDir, number), { force: true });
  return true;
}

async function refuseIfAlive(dataDir: string, number: number): Promise<void> {
  const holder = await readHolder(lockFile(dataDir, number));
  if (holder === undefined || !(await isListening(holder.socketPath))) return;
  throw new ConfigError(
    `Another node (pid ${holder.pid}) runs on this DATA_DIR ${dataDir}; stop it, or set DATA_DIR to another folder.`,
  );
}

/** Undefined where the file is gone or is no lock of ours: then the lock is free. */
async function readHolder(file: string): Promise<{ pid: number; socketPath: string } | undefined> {
  try {
    const holder: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || !('socketPath' in holder)) return;
    if (typeof holder.pid !== 'number' || typeof holder.socketPath !== 'string') return;
    return { pid: holder.pid, socketPath: holder.socketPath };
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function lockNumbers(dataDir: string): Promise<number[]> {
  const names = await readdir(dataDir);
  return names
    .map((name) => Number(LOCK_NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
}

function lockFile(dataDir: string, number: number): string {
  return path.join(dataDir, `node-lock.${number}`);
}

function holding(server: Server, socketPath: string): NodeLock {
  let released: Promise<void> | undefined;
  return { release: () => (released ??= close(server, socketPath)) };
}

/** A stopped or busy holder still counts: the kernel accepts the connection without it. */
async function isListening(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = errorCode(error);
      resolve(!(code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENOTSOCK'));
    });
  });
}

async function listen(socketPath: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new ConfigError(`DATA_DIR: no lock can be taken (${error.message}); try again.`, { cause: error }));
    });
    server.listen(socketPath, resolve);
  });
  server.unref();
  return server;
}

async function close(server: Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await rm(socketPath, { force: true });
}
