/** The name that a node keeps over its restarts, in DATA_DIR. Only one node runs on a DATA_DIR, so it is unique. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { createFileAtomically, dataDirError } from './data-dir.ts';

const NODE_ID_FILE = 'node-id';
const NODE_ID = /^[0-9a-f-]{36}$/;

/** @throws ConfigError if DATA_DIR can't be used or the file is damaged. */
export async function readOrCreateNodeId(dataDir: string): Promise<string> {
  const file = path.join(dataDir, NODE_ID_FILE);
  try {
    await createFileAtomically(file, randomUUID(), 0o600);
  } catch (error) {
    throw dataDirError(dataDir, error);
  }
  const nodeId = await readFile(file, 'utf8').catch(() => '');
  if (!NODE_ID.test(nodeId)) throw new ConfigError(`${file} is damaged; delete it, and the node gets a new name.`);
  return nodeId;
}
