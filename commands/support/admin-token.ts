/** The token with which the program's commands act on a node: role admin, signed with the node's own secret. */
import { readFile } from 'node:fs/promises';
import { callerPath } from '../../config/caller-path.ts';
import type { Config } from '../../config/config.ts';
import { readOrCreateDevSecret } from '../../config/dev-secret.ts';
import { signDevToken } from '../../config/dev-token.ts';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from './command-line.ts';

/** Longer than any run. */
const TTL_SECONDS = 24 * 3600;

/**
 * @param tokenFile holds a token of the caller's own: needed where an identity provider signs them
 * @throws CommandError where no token can be had
 */
export async function adminToken(config: Config, sub: string, tokenFile: string | undefined): Promise<string> {
  if (tokenFile !== undefined) {
    const token = await readFile(callerPath(tokenFile), 'utf8').catch((error: unknown) => {
      throw new CommandError(`--token-file ${tokenFile} can't be read: ${messageOf(error)}`);
    });
    return token.trim();
  }
  if (config.auth.jwksUrl !== undefined) {
    throw new CommandError(
      'JWKS_URL is set, so tokens come from your identity provider: give one with the role admin as --token-file FILE.',
    );
  }
  const secret = config.auth.jwtSecret ?? (await readOrCreateDevSecret(config.dataDir));
  const { issuer, audience } = config.auth;
  return await signDevToken({ secret, issuer, audience, sub, role: 'admin', ttlSeconds: TTL_SECONDS });
}
