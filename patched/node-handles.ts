/**
 * Node's handles of bound sockets. `listen` in a cluster's worker asks the primary for a file of its own; a worker here
 * inherits open files of one socket and listens on them itself (see http/listeners.ts and
 * supervisors/listening-socket.ts).
 *
 * http/listeners.int.spec.ts shows what they are for: Node accepts one connection a file and turn of the event loop.
 */
import net, { type Server } from 'node:net';

/** What Node keeps of a bound socket. */
export interface Handle {
  readonly fd: number;
  getsockname(address: { port?: number }): number;
  close(): void;
}

interface NetInternals {
  /** What node:cluster itself binds with. @returns a negative error number where it can't. */
  _createServerHandle?(address: string | null, port: number | null, family: 4 | 6 | null, fd: number): Handle | number;
}

/** What `listen({ fd })` comes to in the end. */
interface ServerInternals {
  _handle: unknown;
  _listen2(address: null, port: null, family: null, backlog: number, fd: number): void;
}

const internals = net as unknown as NetInternals;

/** @returns a negative error number where the address can't be had. */
export function bindHandle(address: string, port: number, family: 4 | 6): Handle | number {
  return internals._createServerHandle!(address, port, family, -1);
}

/** Listens on an open file of this process. */
export function listenOnFile(server: Server, fd: number, backlog: number): void {
  const own = server as unknown as ServerInternals;
  own._handle = internals._createServerHandle!(null, null, null, fd);
  own._listen2(null, null, null, backlog, fd);
}

/** What of it this Node lacks. */
export function missingHandles(): string[] {
  const { _listen2: listen } = net.Server.prototype as unknown as Partial<ServerInternals>;
  return [
    ...(typeof internals._createServerHandle === 'function' ? [] : ['net._createServerHandle']),
    ...(typeof listen === 'function' ? [] : ['net.Server._listen2']),
  ];
}
