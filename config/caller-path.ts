/**
 * Decides which folder a file argument of a command is relative to. npm runs a script in the program's
 * own folder, while the person who typed `npm run -s replay -- data.csv` may stand in another one.
 */
import path from 'node:path';

/**
 * Makes a path argument absolute, from the folder the person stands in.
 *
 * npm puts that folder into INIT_CWD. Everything that a script starts inherits the variable, so it counts only while
 * the working directory is still the one npm chose.
 */
export function callerPath(file: string, env: NodeJS.ProcessEnv = process.env, workingDir = process.cwd()): string {
  const packageFile = env['npm_package_json'];
  const startedByNpm = packageFile !== undefined && path.dirname(packageFile) === workingDir;
  return path.resolve(startedByNpm ? (env['INIT_CWD'] ?? workingDir) : workingDir, file);
}
