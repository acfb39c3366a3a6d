/**
 * What rabbitmq-client keeps of a channel. By itself it writes three small pieces a message and waits for each, which
 * costs several times as much CPU (docs/decisions.md). It opens the channel, counts what is unconfirmed and hears the
 * broker's word for us as it does for itself; the bytes are ours (messaging/rabbitmq/publishing-channel.ts).
 */
import type { Writable } from 'node:stream';
import type { Channel } from 'rabbitmq-client';
import type { PatchedPackage } from './patched-package.ts';

export const RABBITMQ_CLIENT: PatchedPackage = {
  name: 'rabbitmq-client',
  version: '5.0.8',
  test: 'patched/rabbitmq-client.int.spec.ts',
};

/** The client's promise of a confirm. */
interface Unconfirmed {
  resolve(): void;
  reject(error: unknown): void;
}

export interface ChannelState {
  /** The number of the next publication. */
  deliveryCount: number;
  readonly unconfirmed: Map<number, Unconfirmed>;
  /** Takes iterables of bytes; writes them when the socket has room. */
  readonly stream: Writable;
  readonly maxFrameSize: number;
}

export function stateOf(channel: Channel): ChannelState {
  return (channel as unknown as { readonly _state: ChannelState })._state;
}
