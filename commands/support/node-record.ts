/**
 * Reads what a running node tells about itself in DATA_DIR (`node.json`, mode 0600, written when it is ready): where it
 * listens and which database it uses. A node that was killed leaves its record behind, so it is believed only while its
 * process lives; and since process ids are used again, whoever uses it must be ready to find nobody there.
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
    // Somebody else's process: it lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
