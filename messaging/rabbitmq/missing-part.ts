/** Recognises the broker's errors for an exchange, a queue or a binding of ours that was deleted. */
import { AMQPError } from 'rabbitmq-client';
import { UnroutableError } from './publishing-channel.ts';

export function tellsOfMissingPart(error: unknown): boolean {
  return error instanceof UnroutableError || (error instanceof AMQPError && error.code === 'NOT_FOUND');
}
