/** Owns what the broker says when an exchange, a queue or a binding of ours is gone: somebody deleted it. */
import { AMQPError } from 'rabbitmq-client';
import { UnroutableError } from './publishing-channel.ts';

export function tellsOfMissingPart(error: unknown): boolean {
  return error instanceof UnroutableError || (error instanceof AMQPError && error.code === 'NOT_FOUND');
}
