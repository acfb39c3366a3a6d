/**
 * File operations that are all or nothing, even if the process dies in the middle: a folder or a file appears under its
 * name complete and on disk, or not at all.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/** The `code` of a system error (`ENOENT` ...), or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Flushes a file or a folder's list of names. */
export async function syncToDisk(fileOrFolder: string): Promise<void> {
  const handle = await open(fileOrFolder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file completely or not at all; the first writer wins, and false means that another one was first. */
export async function createFileAtomically(file: string, content: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
    await syncToDisk(path.dirname(file));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Every file and folder below, files before the folder they stand in; links are not followed. */
export async function* walk(folder: string): AsyncGenerator<{ path: string; kind: 'file' | 'folder' | 'link' }> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const child = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(child);
    else yield { path: child, kind: entry.isSymbolicLink() ? 'link' : 'file' };
  }
  yield { path: folder, kind: 'folder' };
}
