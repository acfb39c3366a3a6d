/** What a person sees when the node has started: where it listens, and one command that places an order. */
import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import { signDevToken } from './config/dev-token.ts';
import { EXAMPLE_ORDER } from './actors/order/operations/example.ts';

const TOKEN_TTL_SECONDS = 12 * 3_600;

export interface Listening {
  readonly port: number;
  readonly adminPort: number;
  /** Present when the node verifies tokens with a secret of its own: then it may hand one out. */
  readonly devSecret: string | undefined;
  /** False: it has started, and something keeps it from serving, such as a broker that it alone does not reach. */
  readonly takesRequests: boolean;
}

/**
 * For a person at a terminal a text with a command to paste; elsewhere one JSON line between the others, without a token.
 * Said whatever LOG_LEVEL is: who started the node waits for it.
 */
export async function sayStarted(config: Config, listening: Listening, log: Logger): Promise<void> {
  if (process.stdout.isTTY) {
    process.stdout.write(await welcome(config, listening));
    return;
  }
  const { port, adminPort } = listening;
  const url = urlOf(config.host, port);
  const admin = urlOf(config.adminHost, adminPort);
  const { workers } = config;
  const said = { url, admin, workers, ...notesOf(config) };
  log.child({}, { level: 'info' }).info(said, startedLine(config, listening));
}

function startedLine(config: Config, { port, adminPort, takesRequests }: Listening): string {
  const { workers, databaseUrl } = config;
  const url = urlOf(config.host, port);
  const database = databaseUrl === undefined ? 'embedded PostgreSQL' : 'PostgreSQL of DATABASE_URL';
  const what = `${url} (${workers} worker${workers === 1 ? '' : 's'}, ${database})`;
  if (takesRequests) return `Holdfast is ready: ${what}`;
  const health = `${urlOf(config.adminHost, adminPort)}/health/ready`;
  return `Holdfast has started: ${what}. It is not ready for requests; see ${health}`;
}

function notesOf({ rateLimitPerMinute, amqpUrl }: Config) {
  return { rateLimitPerMinute, events: amqpUrl === undefined ? 'off' : 'orders.events' };
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function welcome(config: Config, listening: Listening): Promise<string> {
  const { port, adminPort, devSecret } = listening;
  const url = urlOf(config.host, port);
  const lines = [
    '',
    startedLine(config, listening),
    `  API documentation ${url}/docs    health ${urlOf(config.adminHost, adminPort)}/health/ready`,
  ];
  if (config.rateLimitPerMinute > 0 && config.redisUrl === undefined) {
    lines.push(`  A customer may send ${config.rateLimitPerMinute} requests a minute, counted by this node alone.`);
  }
  if (config.amqpUrl !== undefined) {
    lines.push(`  Events go to orders.events on RabbitMQ; messages and their schemas: ${url}/docs`);
  }
  if (config.redisUrl !== undefined) lines.push('  REDIS_URL is set, and not used by this version.');
  if (devSecret !== undefined) lines.push('', 'Place an order:', '', await demoCurl(config, url, devSecret));
  lines.push('', 'Ctrl-C stops the node.', '', '');
  return lines.join('\n');
}

async function demoCurl({ auth }: Config, url: string, secret: string): Promise<string> {
  const { issuer, audience } = auth;
  const token = await signDevToken({
    secret,
    issuer,
    audience,
    sub: 'alice',
    role: 'customer',
    ttlSeconds: TOKEN_TTL_SECONDS,
  });
  return [
    `curl -sS ${url}/api/v1/orders \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\`,
    `  -d '${JSON.stringify(EXAMPLE_ORDER)}'`,
  ].join('\n');
}
