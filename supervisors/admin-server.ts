/**
 * The admin port, in the primary: the health of the whole node. Loopback by default; it answers without a token, so it
 * shows states and numbers, never orders.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { StartupError } from '../kernel/errors.ts';
import type { WorkerStatus } from './worker-supervisor.ts';

export interface NodeStatus {
  /** What the node is doing, in words: "migrating the database". */
  readonly phase: string;
  readonly ready: boolean;
  readonly workers: readonly WorkerStatus[];
}

export class AdminServer {
  readonly #server: Server;

  constructor(status: () => NodeStatus) {
    this.#server = createServer((request, response) => answer(request, response, status()));
    this.#server.requestTimeout = 5_000;
  }

  /** @returns the port. @throws StartupError when it is taken. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE';
        const what = taken ? 'is taken by another process' : `can't be listened on (${error.code ?? error.message})`;
        reject(new StartupError(`ADMIN_PORT ${port} on ${host} ${what}. Stop that process or set ADMIN_PORT.`));
      });
      this.#server.listen(port, host, resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function answer(request: IncomingMessage, response: ServerResponse, { phase, ready, workers }: NodeStatus): void {
  const path = (request.url ?? '').split('?')[0];
  const known = request.method === 'GET' || request.method === 'HEAD';
  if (known && path === '/health/live') return send(response, 200, { status: 'ok' });
  if (known && path === '/health/ready')
    return send(response, ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', workers });
  if (known && path === '/health/startup')
    return send(response, ready ? 200 : 503, { status: ready ? 'started' : 'starting', phase });
  const problem = { type: 'about:blank', title: 'Not found', status: 404, code: 'not_found' };
  send(response, 404, problem, 'application/problem+json');
}

function send(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
