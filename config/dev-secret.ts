/**
 * Owns the secret that a node makes for itself when neither JWT_SECRET nor JWKS_URL is set, in DATA_DIR, readable
 * by its owner only. All processes and later starts read the same one. It never stands in a log.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
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
  const found = await readSecret(dataDir, file);
  if (found !== undefined) return found;
  await prepareDataDir(dataDir);
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
    secret = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw dataDirError(dataDir, error);
  }
  if (secret.length < SECRET_LENGTH_MIN) {
    throw new ConfigError(`${file} is damaged; delete it (tokens made before become invalid), or set JWT_SECRET.`);
  }
  return secret;
}
