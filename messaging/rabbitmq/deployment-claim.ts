/**
 * Decides which deployment a virtual host belongs to. Two deployments (databases) on one would take each other's
 * commands and mix their events, while both look healthy. So the first one declares an exchange whose alternate
 * exchange names it. A declaration with another name fails at the broker, which compares and creates in one step: of
 * two that start together only one succeeds. No message is ever published to it.
 */
import { AMQPError, type Connection } from 'rabbitmq-client';
import { CLAIM_EXCHANGE, claimOf, COMMANDS_QUEUE } from './topology.ts';

const HOLDER = /but current is (?:the value )?'([0-9a-f-]{36})'/;
/** Short, because the broker quotes it and cuts its texts at 255 bytes. */
const PROBE = 'x';

/** Undefined: the host belongs to no deployment. @throws what the connection throws. */
export async function holderOf(connection: Connection): Promise<string | undefined> {
  const { name, type, arguments: args } = claimOf(PROBE);
  try {
    await connection.exchangeDeclare({ exchange: name, passive: true });
    await connection.exchangeDeclare({ exchange: name, type, durable: true, arguments: { ...args } });
  } catch (error) {
    if (!(error instanceof AMQPError)) throw error;
    if (error.code === 'NOT_FOUND') return undefined;
    const holder = HOLDER.exec(error.message)?.[1];
    if (holder === undefined) throw error;
    return holder;
  }
  // It was deleted between the two, so the second one made it.
  await connection.exchangeDelete({ exchange: name });
  return undefined;
}

export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

/**
 * Gives the host to another deployment.
 * @throws ClaimError where it does not belong to `from`, or where nodes still take commands from it.
 */
export async function moveClaim(connection: Connection, from: string, to: string): Promise<void> {
  const holder = await holderOf(connection);
  if (holder !== from) {
    const found = holder === undefined ? 'no deployment' : `deployment ${holder}`;
    throw new ClaimError(`The virtual host belongs to ${found}, not to ${from}.`);
  }
  const consumers = await consumerCount(connection);
  if (consumers > 0) {
    throw new ClaimError(
      `${consumers} consumers still take commands from ${COMMANDS_QUEUE}: stop the nodes of deployment ${from} first.`,
    );
  }
  await connection.exchangeDelete({ exchange: CLAIM_EXCHANGE });
  const { name, type, arguments: args } = claimOf(to);
  await connection.exchangeDeclare({ exchange: name, type, durable: true, arguments: { ...args } });
}

async function consumerCount(connection: Connection): Promise<number> {
  try {
    return (await connection.queueDeclare({ queue: COMMANDS_QUEUE, passive: true })).consumerCount;
  } catch (error) {
    if (error instanceof AMQPError && error.code === 'NOT_FOUND') return 0;
    throw error;
  }
}
