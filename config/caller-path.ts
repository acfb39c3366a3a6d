/**
 * Owns the question which folder a file argument of a command is relative to. npm runs a script in the program's
 * own folder, while the person who typed `npm run -s replay -- data.csv` may stand in another one.
 */
import path from 'node:path';

/**
 * Makes a path argument absolute, from the folder the person stands in.
 *
 * npm tells that folder in INIT_CWD. The variable is inherited by everything a script starts, so it is believed
 * only while the working directory is still the one npm chose.
 */
export function callerPath(file: string, env: NodeJS.ProcessEnv = process.env, workingDir = process.cwd()): string {
  const packageFile = env['npm_package_json'];
  const startedByNpm = packageFile !== undefined && path.dirname(packageFile) === workingDir;
  return path.resolve(startedByNpm ? (env['INIT_CWD'] ?? workingDir) : workingDir, file);
}
