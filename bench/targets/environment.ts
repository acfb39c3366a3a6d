/**
 * The variables of the bench's environment that its services inherit: only those that a process needs to run. A setting
 * of the shell that started it must not change a figure.
 */

const INHERITED = new Set(['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS']);
/** node-postgres reads these for parts that the URL leaves open, e.g. the password. */
const INHERITED_PREFIX = 'PG';

export function inheritedEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const inherited: Record<string, string> = { NODE_ENV: 'production' };
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (INHERITED.has(name) || name.startsWith(INHERITED_PREFIX))) inherited[name] = value;
  }
  return inherited;
}
