/**
 * The socket that a node's requests come to. The primary binds it once for the life of the node and hands it to each
 * worker as open files. Connections that come while there is no worker wait in the system's queue for the next one. The
 * primary itself accepts none.
 *
 * node:cluster would bind as well, but give a worker one file only, and Node accepts one connection a file and turn of
 * the event loop: see Listeners.
 */
import { lookup } from 'node:dns/promises';
import { getSystemErrorName } from 'node:util';
import { messageOf, StartupError } from '../kernel/errors.ts';
import { bindHandle, type Handle } from '../patched/node-handles.ts';

/** Where workers find it: behind stdin, stdout, stderr and the channel to the primary. */
const FIRST_FD = 4;
/** Connections that a worker accepts in one turn of its event loop. */
const FILES = 16;
export const LISTENING_FDS: readonly number[] = Array.from({ length: FILES }, (_, index) => FIRST_FD + index);

export class ListeningSocket {
  readonly port: number;
  readonly #handle: Handle;

  #closed = false;

  private constructor(handle: Handle, port: number) {
    this.#handle = handle;
    this.port = port;
  }

  /** @param port 0: any that is free. @throws StartupError that says what to do. */
  static async bind(port: number, host: string): Promise<ListeningSocket> {
    const { address, family } = await lookup(host).catch((error: NodeJS.ErrnoException) => {
      throw new StartupError(listenProblem('PORT', port, host, error.code ?? messageOf(error)));
    });
    const handle = bindHandle(address, port, family === 6 ? 6 : 4);
    if (typeof handle === 'number')
      throw new StartupError(listenProblem('PORT', port, host, getSystemErrorName(handle)));
    // A taken port shows only at listen; until then the socket has no port, and would get any.
    const bound: { port?: number } = {};
    handle.getsockname(bound);
    if (bound.port !== undefined && bound.port !== 0 && (port === 0 || port === bound.port)) {
      return new ListeningSocket(handle, bound.port);
    }
    handle.close();
    throw new StartupError(listenProblem('PORT', port, host, 'EADDRINUSE'));
  }

  /** For the `stdio` of a worker. */
  get stdio(): (number | 'ipc')[] {
    return [0, 1, 2, 'ipc', ...LISTENING_FDS.map(() => this.#handle.fd)];
  }

  /** Once the last worker has closed it too, clients are refused at once. */
  close(): void {
    if (!this.#closed) this.#handle.close();
    this.#closed = true;
  }
}

/** The host is unknown, is no address of this machine, or is of a family that it lacks. */
const NO_ADDRESS: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENODATA',
]);
const PRIVILEGED_PORTS = 1024;

/** A text for a person, with the remedy. @param code of the system's error. */
export function listenProblem(name: 'PORT' | 'ADMIN_PORT', port: number, host: string, code: string): string {
  const hostName = name === 'PORT' ? 'HOST' : 'ADMIN_HOST';
  const where = `${name} ${port} on ${host}`;
  if (NO_ADDRESS.has(code)) return `${hostName} ${host} is no address of this machine (${code}). Correct ${hostName}.`;
  if (code === 'EADDRINUSE') return `${where} is taken by another process. Stop that process or set ${name}.`;
  if (code === 'EACCES')
    return `${where} may not be listened on by this user (EACCES). Set ${name} to ${PRIVILEGED_PORTS} or above.`;
  return `${where} can't be listened on (${code}). Correct ${hostName}, or set ${name}.`;
}
