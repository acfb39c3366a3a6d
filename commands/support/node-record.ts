/**
 * Reads a running node's record in DATA_DIR (`node.json`, mode 0600, written when it is ready): where it listens and
 * which database it uses. A killed node leaves its record behind, so the record counts only while its process lives;
 * and since process ids are reused, a reader must expect to find no node there.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const NODE_RECORD_FILE = 'node.json';

const PORT_MAX = 65_535;
const NODE_RECORD = z.object({
  pid: z.number().int().positive(),
  port: z.number().int().min(1).max(PORT_MAX),
  adminPort: z.number().int().min(1).max(PORT_MAX),
  databaseUrl: z.string().min(1),
});

export type NodeRecord = z.output<typeof NODE_RECORD>;

/** The record of the node of this DATA_DIR, if its process lives. */
export async function readNodeRecord(dataDir: string): Promise<NodeRecord | undefined> {
  const text = await readFile(path.join(dataDir, NODE_RECORD_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record = NODE_RECORD.safeParse(parsed(text));
  return record.success && isAlive(record.data.pid) ? record.data : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process: it lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
