/**
 * The secret that a node makes for itself when neither JWT_SECRET nor JWKS_URL is set. It stands in DATA_DIR, readable
 * by its owner only; all processes and later starts read the same one. No log ever contains it.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { createFileAtomically, dataDirError, errorCode, prepareDataDir } from './data-dir.ts';

const SECRET_FILE = 'jwt-secret';
const SECRET_BYTES = 48;
/** RFC 7518 section 3.2. */
const SECRET_LENGTH_MIN = 32;

/**
 * Reads the dev secret of DATA_DIR; makes both where they are absent. Any number of processes may do so at once,
 * and all get the same.
 *
 * @throws ConfigError if DATA_DIR cannot be used or the file is damaged
 */
export async function readOrCreateDevSecret(dataDir: string): Promise<string> {
  const file = path.join(dataDir, SECRET_FILE);
  await prepareDataDir(dataDir);
  const found = await readSecret(dataDir, file);
  if (found !== undefined) return found;
  try {
    await createFileAtomically(file, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`, 0o600);
  } catch (error) {
    throw dataDirError(dataDir, error);
  }
  const made = await readSecret(dataDir, file);
  if (made === undefined) throw new ConfigError(`DATA_DIR ${dataDir} lost its file ${SECRET_FILE} while starting.`);
  return made;
}

async function readSecret(dataDir: string, file: string): Promise<string | undefined> {
  let secret: string;
  try {
    secret = await readOwnFile(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error instanceof ConfigError ? error : dataDirError(dataDir, error);
  }
  if (secret.length < SECRET_LENGTH_MIN) {
    throw new ConfigError(`${file} is damaged; delete it (tokens made before become invalid), or set JWT_SECRET.`);
  }
  return secret;
}

/** @throws ConfigError where another user may have written it or can read it: it signs tokens of every role. */
async function readOwnFile(file: string): Promise<string> {
  // A link may lead to a file that another user chose; reading anything but a file may block.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    const isOwn = stats.isFile() && (stats.uid === process.geteuid?.() || stats.uid === 0);
    if (isOwn && (stats.mode & 0o077) === 0) return (await handle.readFile('utf8')).trim();
    const fault = isOwn
      ? `can be read by other users (mode ${(stats.mode & 0o777).toString(8)})`
      : 'is no file of this user';
    throw new ConfigError(
      `${file} ${fault}, so tokens could be signed with it; delete it (tokens made before become invalid), or set JWT_SECRET.`,
    );
  } finally {
    await handle.close();
  }
}
