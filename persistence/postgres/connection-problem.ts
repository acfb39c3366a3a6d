/** Why a session with the database could not be opened, as one line with a remedy and without the password. */
import { messageOf } from '../../kernel/errors.ts';

type Remedy = readonly [code: RegExp, message: RegExp, words: string];

/** The first that fits. Codes are PostgreSQL's SQLSTATE, or a system error's. */
const REMEDIES: readonly Remedy[] = [
  [/^ECONNREFUSED$/, /./, 'nothing listens at the host and port of DATABASE_URL. Start PostgreSQL, or correct them'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, /./, 'the host of DATABASE_URL is not known. Correct it'],
  [
    /^(ENOENT|EACCES|EISDIR)$/,
    /(^|, )open /,
    'a file that DATABASE_URL names as sslrootcert, sslcert or sslkey can not be read. Put it there, or correct its path',
  ],
  [/^(ENOENT|EACCES)$/, /./, 'the Unix socket of DATABASE_URL is not there or may not be used. Correct its folder'],
  [
    /./,
    /does not support SSL/,
    'DATABASE_URL asks for TLS (sslmode), which the server does not offer. Set ssl = on there, or sslmode=disable on a network you trust',
  ],
  [
    /./,
    /self-signed|self signed|unable to (verify|get)|certificate|Hostname\/IP/i,
    'the certificate of the server is not trusted. sslmode=require checks it, too: add sslrootcert=FILE with the authority that signed it, or take sslmode=no-verify to go without the check',
  ],
  [
    /^28000$/,
    /no encryption|SSL off/i,
    'the server takes no connection without TLS from here. Add sslmode=require to DATABASE_URL',
  ],
  [/^28000$/, /pg_hba/i, 'the server takes no connection of this user and host. Add a line to its pg_hba.conf'],
  [
    /./,
    /password must be a|empty password/i,
    'the server wants a password, and DATABASE_URL has none. Write postgres://user:password@host:5432/database',
  ],
  [
    /^28000$/,
    /not permitted to log in/i,
    'the role of DATABASE_URL may not log in. ALTER ROLE ... LOGIN, or name another one',
  ],
  [/^28/, /./, 'the server refuses the user or the password of DATABASE_URL. Correct them'],
  [
    /^42501$/,
    /for database/i,
    'the role of DATABASE_URL may not connect to the database. GRANT CONNECT ON DATABASE ... TO the role',
  ],
  [
    /^(42601|42704|42501|22023|55P02)$/,
    /command-line argument|parameter|requires a value/i,
    'the server refuses what DATABASE_URL sets by options. Correct options, or remove it',
  ],
  [/^3D000$/, /./, 'the database of DATABASE_URL does not exist. Create it, encoding UTF8'],
  [
    /^53300$/,
    /./,
    'the server has no session left for this node. Raise max_connections or the limit of the role or database, or end other clients',
  ],
  [/^57P03$/, /./, 'the server is starting or stopping. Try again when it takes connections'],
  [
    /^08P01$/,
    /unsupported startup parameter|bouncer/i,
    'a pooler between refuses what this node needs to set for its sessions. Connect to PostgreSQL directly',
  ],
  [
    /./,
    /timeout e|ETIMEDOUT|terminated due to connection timeout/i,
    'the server does not answer. Check host, port and firewall',
  ],
];

const OTHERWISE = 'check that DATABASE_URL names a running PostgreSQL, and its user and database';

export function connectionProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '-';
  const said = messageOf(error).split('\n', 1)[0]!;
  const words = REMEDIES.find(([codes, messages]) => codes.test(code) && messages.test(said))?.[2] ?? OTHERWISE;
  return `The database can't be reached: ${words} (${said}).`;
}
