/**
 * The connection that a dying worker was just being handed. The primary accepts connections and hands them over one at
 * a time, and Node forgets the one that is on its way when the worker dies: its client would wait for ever. Here it is
 * closed, so that the client knows at once and may try again.
 *
 * Rests on how node:cluster hands connections over (`NODE_CLUSTER`, `newconn`, `ack`); should that change, nothing
 * happens here, and a test tells.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';

interface Closable {
  close(): void;
}

interface InternalMessage {
  readonly cmd?: unknown;
  readonly act?: unknown;
  readonly seq?: unknown;
  readonly ack?: unknown;
}

/** Watches from now on, for the life of the process. */
export function closeHandedConnectionAtDeath(child: ChildProcess): void {
  const onTheirWay = new Map<unknown, Closable>();
  const send = child.send.bind(child) as (message: InternalMessage, handle?: SendHandle, ...rest: unknown[]) => boolean;
  child.send = ((message: InternalMessage, handle?: SendHandle, ...rest: unknown[]): boolean => {
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && isClosable(handle)) {
      onTheirWay.set(message.seq, handle);
    }
    return send(message, handle, ...rest);
  }) as ChildProcess['send'];
  // Not among the events that Node's types know.
  (child as NodeJS.EventEmitter).on('internalMessage', ({ ack }: InternalMessage) => onTheirWay.delete(ack));
  child.once('exit', () => {
    for (const handle of onTheirWay.values()) handle.close();
    onTheirWay.clear();
  });
}

function isClosable(handle: unknown): handle is Closable {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function';
}
