/** The folder contracts/ on disk: reads the committed files, and replaces them. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContractFiles } from '../../messaging/contracts/contract-files.ts';

/** Of the project, whether this runs from the sources or from dist/. */
export function contractFolder(): string {
  const up = import.meta.url.endsWith('.ts') ? '../..' : '../../..';
  return fileURLToPath(new URL(`${up}/contracts`, import.meta.url));
}

/** Every file of the folder; none where there is no folder yet. */
export async function readContracts(folder: string): Promise<ContractFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const files = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    files.set(path.relative(folder, file).split(path.sep).join('/'), await readFile(file, 'utf8'));
  }
  return files;
}

/** Leaves exactly these files; unchanged ones are not touched. */
export async function writeContracts(folder: string, committed: ContractFiles, current: ContractFiles): Promise<void> {
  for (const name of committed.keys()) if (!current.has(name)) await rm(path.join(folder, name));
  for (const [name, text] of current) {
    if (committed.get(name) === text) continue;
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
