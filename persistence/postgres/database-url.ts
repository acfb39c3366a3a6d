/**
 * DATABASE_URL as the driver reads it. There each parameter of the URL replaces what the program sets, so what a node
 * needs for itself is taken out: an application name that all sessions share would let each end the others.
 */

/** The driver takes them all for verify-full, as we document, and warns of it in eight lines. */
const CHECKS_THE_CERTIFICATE: ReadonlySet<string> = new Set(['prefer', 'require', 'verify-ca']);

export interface DatabaseUrl {
  readonly connectionString: string;
  /** Startup options that the operator wrote; ours go behind them and win. */
  readonly options: string;
}

/** @param owned parameters that the node sets itself. */
export function readDatabaseUrl(url: string, owned: readonly string[]): DatabaseUrl {
  const queryAt = url.indexOf('?');
  if (queryAt < 0) return { connectionString: url, options: '' };
  const query = new Map(new URLSearchParams(url.slice(queryAt + 1).replace(/#.*/, '')));
  const options = query.get('options') ?? '';
  for (const name of ['options', ...owned]) query.delete(name);
  if (query.get('uselibpqcompat') !== 'true' && CHECKS_THE_CERTIFICATE.has(query.get('sslmode') ?? ''))
    query.set('sslmode', 'verify-full');
  const kept = new URLSearchParams([...query]).toString();
  return { connectionString: url.slice(0, queryAt) + (kept === '' ? '' : `?${kept}`), options };
}
