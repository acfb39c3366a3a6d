/** Finds the programs that the bench starts as processes: built or as sources, as the bench itself runs. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const thisFile = fileURLToPath(import.meta.url);
/** Of the project, or of its build. */
export const rootDir = path.resolve(path.dirname(thisFile), '..', '..');

/** The file of a program, e.g. `bench/load/load-worker`, given from the project's root without extension. */
export function programFile(program: string): string {
  return path.join(rootDir, program + path.extname(thisFile));
}
