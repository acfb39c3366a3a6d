/**
 * `npm run -s token -- --role customer --sub alice`: prints a token for a node with the same settings.
 *
 * A development tool. It refuses where its token would let strangers in: on a node that other machines can reach, and
 * where an identity provider signs the tokens.
 */
import { parseArgs } from 'node:util';
import { ConfigError } from '../config/config-error.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { readOrCreateDevSecret } from '../config/dev-secret.ts';
import { isRole, ROLES, type Role, signDevToken } from '../config/dev-token.ts';
import { isLoopbackHost } from '../config/loopback.ts';
import { isSubject, SUBJECT_RULE } from '../kernel/subject.ts';

const USAGE = `Usage: npm run -s token -- --role ROLE --sub NAME [--ttl 12h]

Prints a JSON Web Token (HS256) for a node that runs with the same settings.

  --role ROLE   ${ROLES.join(', ')}
  --sub NAME    whose token it is: 1 to 200 printable characters, with spaces only between others
  --ttl TIME    how long it is valid: 30s, 15m, 12h, 7d; 12h if left out, at most 365d
  --help        this text

It signs with JWT_SECRET, or else with the secret in DATA_DIR that a node makes for itself. It refuses when
JWKS_URL is set, or when HOST is not loopback, unless ALLOW_DEV_TOKENS=true.
`;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const TTL_SECONDS_MAX = 365 * 86_400;

/** 1: refused or settings that cannot work. 2: arguments that cannot be understood. */
const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

class UsageError extends Error {}

interface Request {
  readonly role: Role;
  readonly sub: string;
  readonly ttlSeconds: number;
}

function parseRequest(args: readonly string[]): Request | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      role: { type: 'string' },
      sub: { type: 'string' },
      ttl: { type: 'string', default: '12h' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { role, sub } = values;
  if (role === undefined || !isRole(role)) {
    throw new UsageError(`--role ${role === undefined ? 'is missing' : `"${role}" is none`}: ${ROLES.join(', ')}`);
  }
  if (sub === undefined) throw new UsageError('--sub is missing: whose token it is, e.g. --sub alice');
  if (!isSubject(sub)) throw new UsageError(`--sub ${SUBJECT_RULE}, e.g. --sub alice`);
  return { role, sub, ttlSeconds: parseTtl(values.ttl) };
}

function parseTtl(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ttlSeconds = Number(amount ?? 0) * (SECONDS[unit ?? ''] ?? 0);
  if (ttlSeconds > 0 && ttlSeconds <= TTL_SECONDS_MAX) return ttlSeconds;
  throw new UsageError(`--ttl "${text}" is no time from 1s to 365d, such as 30s, 15m, 12h or 7d`);
}

/** The reason why this command may not make tokens for the node, if there is one. */
function refusal(config: Config): string | undefined {
  if (config.auth.jwksUrl !== undefined) {
    return 'JWKS_URL is set: tokens come from your identity provider. Remove it to use a secret of the node instead.';
  }
  if (!isLoopbackHost(config.host) && !config.allowDevTokens) {
    return (
      `HOST ${config.host} is not loopback, so other machines can reach this node with such a token. ` +
      'Set ALLOW_DEV_TOKENS=true if that is what you want.'
    );
  }
  return undefined;
}

async function main(args: readonly string[]): Promise<number> {
  const request = parseRequest(args);
  if (request === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const config = loadConfig();
  const reason = refusal(config);
  if (reason !== undefined) {
    process.stderr.write(`token: refused. ${reason}\n`);
    return EXIT_REFUSED;
  }
  const secret = config.auth.jwtSecret ?? (await readOrCreateDevSecret(config.dataDir));
  const { issuer, audience } = config.auth;
  process.stdout.write(`${await signDevToken({ secret, issuer, audience, ...request })}\n`);
  return 0;
}

function report(error: unknown): number {
  if (error instanceof ConfigError) {
    process.stderr.write(`token: ${error.message}\n`);
    return EXIT_REFUSED;
  }
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error);
  if (!isUsage) throw error;
  process.stderr.write(`token: ${error.message}\n\n${USAGE}`);
  return EXIT_USAGE;
}

process.exitCode = await main(process.argv.slice(2)).catch(report);
