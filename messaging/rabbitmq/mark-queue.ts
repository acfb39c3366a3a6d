/**
 * Keeps one text at the broker: the mark of the journal as last seen. Events went to the broker, so it knows of those
 * that a restored database has lost, and it outlives a node's disk. The queue holds one message: a newer one replaces
 * the older.
 */
import { AMQPError, type Channel, type Connection } from 'rabbitmq-client';
import { claimOf, COMMANDS_QUEUE, SEEN_QUEUE, SEEN_QUEUE_SPEC } from './topology.ts';

export type FoundMark =
  | { readonly kind: 'found'; readonly text: string }
  | { readonly kind: 'none' }
  /** The virtual host is another deployment's. */
  | { readonly kind: 'foreign' };

/** One reader at a time: a message that one holds is hidden from the other. @throws what the connection throws. */
export async function readMark(connection: Connection, deploymentId: string): Promise<FoundMark> {
  return onOwnHost(connection, deploymentId, { kind: 'foreign' } as const, async (channel) => {
    const message = await channel.basicGet({ queue: SEEN_QUEUE });
    if (message === undefined) return { kind: 'none' } as const;
    channel.basicNack({ deliveryTag: message.deliveryTag, requeue: true });
    return { kind: 'found', text: String(message.body) } as const;
  });
}

/** @returns false where the virtual host is another deployment's, and nothing was written. @throws as readMark. */
export async function writeMark(connection: Connection, deploymentId: string, text: string): Promise<boolean> {
  return onOwnHost(connection, deploymentId, false, async (channel) => {
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: SEEN_QUEUE, durable: true }, text);
    return true;
  });
}

/** Whether nodes take commands from the virtual host. */
export async function isInUse(connection: Connection): Promise<boolean> {
  try {
    return (await connection.queueDeclare({ queue: COMMANDS_QUEUE, passive: true })).consumerCount > 0;
  } catch (error) {
    if (error instanceof AMQPError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

/** Claims the host first, which fails at the broker where it is another's: see deployment-claim.ts. */
async function onOwnHost<T, F>(
  connection: Connection,
  deploymentId: string,
  foreign: F,
  work: (channel: Channel) => Promise<T>,
): Promise<T | F> {
  const { name: exchange, type, durable, arguments: claim } = claimOf(deploymentId);
  try {
    await connection.exchangeDeclare({ exchange, type, durable, arguments: { ...claim } });
  } catch (error) {
    if (error instanceof AMQPError && error.code === 'PRECONDITION_FAILED') return foreign;
    throw error;
  }
  const channel = await connection.acquire();
  try {
    const { name: queue, arguments: args } = SEEN_QUEUE_SPEC;
    await channel.queueDeclare({ queue, durable: true, arguments: { ...args } });
    return await work(channel);
  } finally {
    await channel.close();
  }
}
