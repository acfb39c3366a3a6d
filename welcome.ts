/** What a person sees when the node is ready: where it listens, and one command that places an order. */
import type { Config } from './config/config.ts';
import { signDevToken } from './config/dev-token.ts';

/** Stocked once in the life of an embedded database. */
export const DEMO_PRODUCT_ID = 'DEMO-MUG';
export const DEMO_ON_HAND = 1_000_000;
const TOKEN_TTL_SECONDS = 12 * 3_600;

export interface Listening {
  readonly port: number;
  readonly adminPort: number;
  /** Present when the node verifies tokens with a secret of its own: then it may hand one out. */
  readonly devSecret: string | undefined;
}

export async function welcome(config: Config, { port, adminPort, devSecret }: Listening): Promise<string> {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `http://${host}:${port}`;
  const database = config.databaseUrl === undefined ? 'embedded PostgreSQL' : 'PostgreSQL of DATABASE_URL';
  const lines = [
    '',
    `Holdfast is ready: ${url} (${config.workers} worker${config.workers === 1 ? '' : 's'}, ${database})`,
    `  API documentation ${url}/docs    health http://${host}:${adminPort}/health/ready`,
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
  const order = {
    orderLines: [{ productId: DEMO_PRODUCT_ID, quantity: 2, unitPrice: { amount: 1250, currency: 'GBP' } }],
    shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1 9GU', country: 'GB' },
    paymentMethod: { type: 'card', token: 'tok_visa' },
  };
  return [
    `curl -sS ${url}/api/v1/orders \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\`,
    `  -d '${JSON.stringify(order)}'`,
  ].join('\n');
}
