/**
 * The settings: read from the environment once, all checked, handed out as one readonly value.
 *
 * This folder is the only place that reads `process.env`; the composition roots pass settings on. A bad setting never
 * falls back to its default: a node that runs with other settings than its operator wrote is worse than one that does
 * not start.
 */
import { availableParallelism, hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { isSubject, SUBJECT_RULE } from '../kernel/subject.ts';
import { ConfigError } from './config-error.ts';
import { isLoopbackHost } from './loopback.ts';
import type { Setting, SettingValues } from './setting.ts';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** How tokens are verified. A secret or a key set, never both; with neither, the node uses its own dev secret. */
export interface AuthConfig {
  /** The HS256 key is the UTF-8 bytes of this text. */
  readonly jwtSecret?: string;
  readonly jwksUrl?: string;
  /** Required of every token where given. Without it, tokens may have several issuers. */
  readonly issuer?: string;
  readonly audience?: string;
}

export interface Config {
  /** 0 lets the system choose (tests). */
  readonly port: number;
  readonly adminPort: number;
  readonly host: string;
  /** Where the admin port listens; loopback unless an operator wants otherwise. */
  readonly adminHost: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly workers: number;
  readonly shards: number;
  /** Workers of nodes with the same one may use each other's Unix sockets. */
  readonly machineName: string;
  /** Absent: the node runs its own PostgreSQL. */
  readonly databaseUrl?: string;
  readonly amqpUrl?: string;
  /** The API's address for the outside, without a slash at its end; the events' source and schemas begin with it. */
  readonly publicUrl?: string;
  readonly redisUrl?: string;
  readonly auth: AuthConfig;
  /** Requests a minute and customer; 0 switches the limit off. */
  readonly rateLimitPerMinute: number;
  /** Settings that are declared elsewhere, see setting.ts. */
  readonly declared: SettingValues;
  readonly logLevel: LogLevel;
  readonly shutdownTimeoutMs: number;
  /** How long a node that ends answers "not ready" and still takes requests. */
  readonly drainDelayMs: number;
  /** Permits tokens from the dev tools on a node that other machines can reach. */
  readonly allowDevTokens: boolean;
  /** For tests of crashes: where a worker ends itself, see kernel/failpoints.ts. */
  readonly failpoint?: string;
  /** Settings that are legal but unwise, for the log. They contain no secret values. */
  readonly warnings: readonly string[];
}

const WORKERS_MAX = 64;
/** Each message carries it twice. */
const PUBLIC_URL_CHARS_MAX = 200;
const SHARDS_MAX = 4096;
const SHUTDOWN_TIMEOUT_MS_MAX = 10 * 60 * 1000;
/** Balancers probe every few seconds; a node that stays longer blocks its successor. */
const DRAIN_DELAY_MS_MAX = 5 * 60 * 1000;
const RATE_LIMIT_PER_MINUTE_MAX = 10_000_000;
/** RFC 7518 section 3.2: an HS256 key has at least the size of the hash. */
const JWT_SECRET_BYTES_MIN = 32;

const LOG_LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .refine((text) => /^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `is not a whole number from ${min} to ${max}`,
    })
    .transform(Number);
}

function oneOf<const T extends string>(values: readonly T[]) {
  return z.enum(values, { error: `is not one of ${values.join(', ')}` });
}

function url(...protocols: readonly string[]) {
  const schemes = protocols.map((protocol) => `${protocol}://`).join(' or ');
  return z.string().refine((text) => protocols.includes(schemeOf(text) ?? ''), {
    error: `is not a valid ${schemes} URL (a special character in the password must be percent-encoded)`,
  });
}

/** Every message carries it: it must hold no password, and a path must be appendable. */
function isPlainBase(text: string): boolean {
  if (!URL.canParse(text) || text.length > PUBLIC_URL_CHARS_MAX) return false;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === '' && !/[?#\s]/.test(text);
}

function schemeOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
}

const hostName = z.string().regex(/^[A-Za-z0-9._:%-]{1,253}$/, { error: 'is not a host name or an IP address' });
const freeText = z.string().max(1000, { error: 'is longer than 1000 characters' });

const SETTINGS = z.object({
  PORT: wholeNumber(0, 65_535).default(3000),
  ADMIN_PORT: wholeNumber(0, 65_535).default(3001),
  HOST: hostName.default('127.0.0.1'),
  ADMIN_HOST: hostName.default('127.0.0.1'),
  DATA_DIR: freeText.default('./.holdfast'),
  WORKERS: wholeNumber(1, WORKERS_MAX).optional(),
  SHARDS: wholeNumber(1, SHARDS_MAX).default(128),
  MACHINE_NAME: hostName.default(() => hostname()),
  DATABASE_URL: url('postgres', 'postgresql').optional(),
  AMQP_URL: url('amqp', 'amqps').optional(),
  PUBLIC_URL: url('https', 'http')
    .refine((text) => isPlainBase(text), { error: 'is more than a scheme, a host and a path' })
    .transform((text) => text.replace(/\/+$/, ''))
    .optional(),
  REDIS_URL: url('redis', 'rediss').optional(),
  JWT_SECRET: z.string().optional(),
  JWKS_URL: url('https', 'http').optional(),
  JWT_ISSUER: z.string().refine(isSubject, { error: SUBJECT_RULE }).optional(),
  JWT_AUDIENCE: freeText.optional(),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, RATE_LIMIT_PER_MINUTE_MAX).default(100),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
  SHUTDOWN_TIMEOUT_MS: wholeNumber(100, SHUTDOWN_TIMEOUT_MS_MAX).default(30_000),
  DRAIN_DELAY_MS: wholeNumber(0, DRAIN_DELAY_MS_MAX).default(0),
  ALLOW_DEV_TOKENS: oneOf(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false),
  FAILPOINT: z
    .string()
    .regex(/^[a-z.]+:exit@\d+$/, { error: 'is not of the form <name>:exit@<count>' })
    .optional(),
});

type Settings = z.output<typeof SETTINGS>;
type SettingName = keyof Settings;

const LONGER_SECRET = 'make one with "openssl rand -base64 48"';

const REMEDIES: Readonly<Record<SettingName, string>> = {
  PORT: 'set PORT to a free port, or leave it out for 3000',
  ADMIN_PORT: 'set ADMIN_PORT to a free port other than PORT, or leave it out for 3001',
  ADMIN_HOST: 'set ADMIN_HOST to an address of this machine, or leave it out for 127.0.0.1',
  HOST: 'set HOST to an address of this machine, e.g. 127.0.0.1 or 0.0.0.0',
  DATA_DIR: 'set DATA_DIR to a folder of your own, or leave it out for ./.holdfast',
  WORKERS: 'set WORKERS to the number of worker processes, or leave it out for one per core',
  SHARDS: 'set SHARDS as at the first start of this database, or leave it out for 128',
  MACHINE_NAME: 'set MACHINE_NAME to a name of this machine or container, or leave it out for the host name',
  DATABASE_URL: 'write postgres://user:password@host:5432/database, or leave it out for the embedded PostgreSQL',
  AMQP_URL: 'write amqp://user:password@host:5672/vhost, or leave it out to run without a broker',
  PUBLIC_URL:
    'write the address that the outside reaches the API by, such as https://shop.example.com, or leave it out',
  REDIS_URL: 'write redis://host:6379/0, or leave it out to keep counters in the process',
  JWT_SECRET: `${LONGER_SECRET}, or leave it out for a secret of the node's own`,
  JWKS_URL: 'write the https:// address of your key set, or leave it out',
  JWT_ISSUER: 'set JWT_ISSUER to the "iss" of your tokens, or leave it out',
  JWT_AUDIENCE: 'set JWT_AUDIENCE to the "aud" of your tokens, or leave it out',
  RATE_LIMIT_PER_MINUTE: 'set RATE_LIMIT_PER_MINUTE to requests a minute and customer, 0 for no limit',
  LOG_LEVEL: 'set LOG_LEVEL to one of them, or leave it out for info',
  SHUTDOWN_TIMEOUT_MS: 'set SHUTDOWN_TIMEOUT_MS to milliseconds, or leave it out for 30000',
  DRAIN_DELAY_MS: 'set DRAIN_DELAY_MS to the milliseconds your load balancer needs to notice, or leave it out for 0',
  ALLOW_DEV_TOKENS: 'set ALLOW_DEV_TOKENS to true or false, or leave it out',
  FAILPOINT: 'leave FAILPOINT out: it makes workers crash on purpose, for tests',
};

/** Never quoted in a message: a secret, or a URL that may carry a password. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'AMQP_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'JWKS_URL',
]);

/**
 * Reads and checks all settings.
 *
 * A setting that is empty or blank counts as left out (compose files pass empty ones). A relative DATA_DIR is
 * taken from the working directory, which is the program's own folder under npm.
 *
 * @param declared settings that stand elsewhere; those that are left out are not read.
 * @throws ConfigError naming every bad setting at once
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, declared: readonly Setting[] = []): Config {
  const given = Object.fromEntries(
    [...Object.keys(SETTINGS.shape), ...declared.map(({ name }) => name)]
      // A secret is not trimmed: a space at its end is part of the key.
      .map((name) => [name, name === 'JWT_SECRET' ? env[name] : env[name]?.trim()] as const)
      .filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const parsed = SETTINGS.safeParse(given);
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = issues.map(({ path: [name], message }) => problem(String(name) as SettingName, message, given));
  const values: Record<string, unknown> = {};
  for (const { name, byDefault, parse, form, remedy } of declared) {
    const text = given[name] ?? byDefault;
    values[name] = parse(text);
    if (values[name] === undefined) problems.push(`${name} ${quoted(text)} is not ${form}; ${remedy}`);
  }
  if (!parsed.success || problems.length > 0) throw settingsError(problems);
  const settings = parsed.data;
  const contradictions = contradictionsIn(settings);
  if (contradictions.length > 0) throw settingsError(contradictions);
  return toConfig(settings, values);
}

function problem(name: SettingName, message: string, given: Readonly<Record<string, string | undefined>>): string {
  const value = SECRET_SETTINGS.has(name) ? '' : ` ${quoted(given[name] ?? '')}`;
  return `${name}${value} ${message}; ${REMEDIES[name]}`;
}

function quoted(value: string): string {
  return JSON.stringify(value).slice(0, 80);
}

function settingsError(problems: readonly string[]): ConfigError {
  return new ConfigError(['Holdfast cannot start with these settings:', ...problems].join('\n  '));
}

/** Settings that are valid alone and wrong together. */
function contradictionsIn(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.PORT === settings.ADMIN_PORT && settings.PORT !== 0) {
    problems.push(`ADMIN_PORT is the same as PORT (${settings.PORT}); ${REMEDIES.ADMIN_PORT}`);
  }
  if (settings.JWT_SECRET !== undefined && settings.JWKS_URL !== undefined) {
    problems.push('JWT_SECRET and JWKS_URL are both set; keep the one your tokens are signed for and remove the other');
  }
  const open = (['HOST', 'ADMIN_HOST'] as const).find((name) => !isLoopbackHost(settings[name]));
  if (isShortSecret(settings) && open !== undefined) {
    // The advice must not be to leave it out: a node's own secret is for loopback only, too.
    problems.push(
      `JWT_SECRET has fewer than ${JWT_SECRET_BYTES_MIN} bytes and ${open} is not loopback, ` +
        `so anybody could guess it; ${LONGER_SECRET}`,
    );
  }
  return problems;
}

function isShortSecret(settings: Settings): boolean {
  return settings.JWT_SECRET !== undefined && Buffer.byteLength(settings.JWT_SECRET) < JWT_SECRET_BYTES_MIN;
}

function toConfig(settings: Settings, declared: SettingValues): Config {
  return {
    port: settings.PORT,
    adminPort: settings.ADMIN_PORT,
    host: settings.HOST,
    adminHost: settings.ADMIN_HOST,
    dataDir: path.resolve(settings.DATA_DIR),
    workers: settings.WORKERS ?? Math.min(availableParallelism(), WORKERS_MAX),
    shards: settings.SHARDS,
    machineName: settings.MACHINE_NAME,
    ...(settings.DATABASE_URL === undefined ? {} : { databaseUrl: settings.DATABASE_URL }),
    ...(settings.AMQP_URL === undefined ? {} : { amqpUrl: settings.AMQP_URL }),
    ...(settings.PUBLIC_URL === undefined ? {} : { publicUrl: settings.PUBLIC_URL }),
    ...(settings.REDIS_URL === undefined ? {} : { redisUrl: settings.REDIS_URL }),
    auth: {
      ...(settings.JWT_SECRET === undefined ? {} : { jwtSecret: settings.JWT_SECRET }),
      ...(settings.JWKS_URL === undefined ? {} : { jwksUrl: settings.JWKS_URL }),
      ...(settings.JWT_ISSUER === undefined ? {} : { issuer: settings.JWT_ISSUER }),
      ...(settings.JWT_AUDIENCE === undefined ? {} : { audience: settings.JWT_AUDIENCE }),
    },
    rateLimitPerMinute: settings.RATE_LIMIT_PER_MINUTE,
    declared,
    logLevel: settings.LOG_LEVEL,
    shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
    drainDelayMs: settings.DRAIN_DELAY_MS,
    allowDevTokens: settings.ALLOW_DEV_TOKENS,
    ...(settings.FAILPOINT === undefined ? {} : { failpoint: settings.FAILPOINT }),
    warnings: isShortSecret(settings)
      ? [`JWT_SECRET has fewer than ${JWT_SECRET_BYTES_MIN} bytes: ${REMEDIES.JWT_SECRET}`]
      : [],
  };
}
