/** Who may use the node's doors, and what keeps a node from being open to the wrong ones. */
import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/config.ts';
import { readOrCreateDevSecret } from '../config/dev-secret.ts';
import { isLoopbackHost } from '../config/loopback.ts';
import type { Authenticator, Peer } from '../http/authenticator.ts';
import { Problem } from '../http/problems.ts';
import { StartupError } from '../kernel/errors.ts';
import type { PostgresOwnershipStore } from '../persistence/postgres/ownership-store.ts';

/**
 * The secret of the dev tools, where no other key verifies tokens.
 *
 * @throws ConfigError on an address that others reach: anybody with the dev tools' secret could sign tokens
 */
export async function devSecretOf(config: Config): Promise<string | undefined> {
  if (config.auth.jwtSecret !== undefined || config.auth.jwksUrl !== undefined) return undefined;
  const open = [config.host, config.adminHost].find((host) => !isLoopbackHost(host));
  if (open !== undefined && !config.allowDevTokens) {
    throw new ConfigError(
      `${open === config.host ? 'HOST' : 'ADMIN_HOST'} is ${open}, which other machines may reach, and tokens would be verified with a secret that the node made up. ` +
        'Set JWT_SECRET or JWKS_URL, or ALLOW_DEV_TOKENS=true to take the risk.',
    );
  }
  return readOrCreateDevSecret(config.dataDir);
}

/** @throws StartupError: workers of two machines would own shards that the others can't reach. */
export async function refuseUnreachableMachines(
  ownership: PostgresOwnershipStore,
  { machineName, amqpUrl }: Config,
): Promise<void> {
  const { members } = await ownership.membership();
  const hasBroker = amqpUrl !== undefined;
  const other = members.find((member) => member.host !== machineName && !(hasBroker && member.hasBroker));
  if (other) {
    throw new StartupError(
      `A node on the machine ${other.host} runs on this database, and nodes of several machines reach each other through RabbitMQ only. ` +
        `Set AMQP_URL for both, or stop that node, or set DATABASE_URL to another database.`,
    );
  }
}

/** @throws Problem unauthenticated, rate_limited, forbidden. */
export async function requireAdmin(
  authenticator: Authenticator,
  authorization: string | undefined,
  peer: Peer,
): Promise<void> {
  const { role } = await authenticator.authenticate(authorization, peer);
  if (role !== 'admin') throw new Problem('forbidden', 'Only the role admin may do this.');
}
