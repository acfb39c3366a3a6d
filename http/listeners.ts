/**
 * Owns how a worker gets its connections: from one socket, by way of several open files of it. Node accepts one
 * connection a file and turn of the event loop. A busy worker has few turns a second, so over one file it would let in
 * ten new clients a second while thousands wait.
 */
import type { Server as HttpServer } from 'node:http';
import net, { type Server, type Socket } from 'node:net';
import { listenOnFile } from '../patched/node-handles.ts';

/** Not yet accepted: a burst, or what comes while a worker is busy. The system's own limit is usually 4096 as well. */
const BACKLOG = 4_096;

export class Listeners {
  readonly #servers: readonly Server[];
  #connections = 0;

  /** @param fds open files of one bound socket, of this process. @param connectionsMax beyond it new ones are cut off. */
  constructor(http: HttpServer, fds: readonly number[], connectionsMax: number) {
    http.on('connection', (socket: Socket) => {
      this.#connections++;
      socket.once('close', () => this.#connections--);
      if (this.#connections > connectionsMax) socket.destroy();
    });
    this.#servers = fds.map((fd, index) => {
      // The first is http's own, which begins to watch over its time limits when it listens.
      const server = index === 0 ? http : net.createServer({ allowHalfOpen: true, noDelay: true }, handTo(http));
      if (server !== http) server.on('error', (error) => http.emit('error', error));
      listenOnFile(server, fd, BACKLOG);
      return server;
    });
  }

  /** Over all files: how many a file gets is chance. */
  get connections(): number {
    return this.#connections;
  }

  /** Takes no new connections; those that are there stay. */
  close(): void {
    // Not http's own: it would close idle connections at once.
    for (const server of this.#servers) net.Server.prototype.close.call(server);
  }
}

const handTo =
  (http: HttpServer) =>
  (socket: Socket): void =>
    void http.emit('connection', socket);
