/** Finds files of the project by the end of their name, outside of what is installed, built or hidden. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);

/** Paths relative to `root`, sorted. */
export async function findFiles(root, ending, folder = '.') {
  const found = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isFile() && name.endsWith(ending)) found.push(name);
    if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name)) {
      found.push(...(await findFiles(root, ending, name)));
    }
  }
  return found.sort();
}
