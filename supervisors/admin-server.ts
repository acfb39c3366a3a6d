/**
 * The admin port, in the primary: the health of the whole node, who is in the cluster, and what an operator can do.
 * Loopback by default. A browser on this machine reaches it too, so it answers only to names of this machine, and no
 * other site may frame it or post to it (admin-doors.ts). It shows states and numbers, never orders. Who calls from
 * another machine needs an admin's token to see members, processes and host names; who wants something done always.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { messageOf, StartupError } from '../kernel/errors.ts';
import type { Membership } from '../persistence/ports.ts';
import { ADMIN_HEADERS, comesFromHere, isCrossSite, isOwnHost } from './admin-doors.ts';
import { wordFor, type Check } from './worker-report.ts';
import type { RestartAnswer, WorkerStatus } from './worker-supervisor.ts';

export interface NodeStatus {
  readonly nodeId: string | undefined;
  /** What the node is doing, in words: "migrating the database". */
  readonly phase: string;
  readonly ready: boolean;
  readonly shards: number;
  readonly intensity:
    { readonly restarts: number; readonly restartsMax: number; readonly windowSeconds: number } | undefined;
  readonly workers: readonly WorkerStatus[];
}

export interface AdminDeps {
  readonly log: Logger;
  readonly status: () => NodeStatus;
  /** Undefined while the node has no database yet. */
  readonly membership: () => Promise<Membership | undefined>;
  /** Rejects, or resolves with the status to answer with, where the caller may not. */
  readonly authorize: (
    authorization: string | undefined,
    peer: { readonly remoteAddress?: string | undefined },
  ) => Promise<401 | 403 | 429 | undefined>;
  /** The request's own name where it is harmless, else a new one. */
  readonly requestId: (header: string | string[] | undefined) => string;
  readonly restartWorker: (id: string) => RestartAnswer;
  /** Ends the node as SIGTERM does. */
  readonly drain: () => void;
}

const TITLES: Readonly<Record<number, string>> = {
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Not in this state',
  421: 'Sent to the wrong host',
  429: 'Too many requests',
  503: 'Unavailable',
};

type Answer = readonly [status: number, body: unknown];

const WORKER_RESTART = /^\/cluster\/workers\/([\w-]{1,64})\/restart$/;

export class AdminServer {
  readonly #deps: AdminDeps;
  readonly #server: Server;
  #host = '';

  constructor(deps: AdminDeps) {
    this.#deps = deps;
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.requestTimeout = 5_000;
    this.#server.maxConnections = 1_000;
  }

  /** @returns the port. @throws StartupError when it is taken. */
  async listen(port: number, host: string): Promise<number> {
    this.#host = host;
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

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const path = (request.url ?? '').split('?')[0]!;
    const requestId = this.#deps.requestId(request.headers['request-id']);
    try {
      const [status, body] = await this.#answer(request, path);
      send(response, status, body, requestId);
    } catch (error) {
      this.#deps.log.warn({ path, reason: messageOf(error) }, 'an admin request failed');
      send(
        response,
        503,
        problem(503, 'unavailable', 'A part that this needs, the database or the key set, does not answer.'),
        requestId,
      );
    }
  }

  async #answer(request: IncomingMessage, path: string): Promise<Answer> {
    const { method, headers } = request;
    if (!isOwnHost(headers.host, this.#host)) return WRONG_HOST;
    if (method === 'GET' || method === 'HEAD') {
      const refused = IS_SHOWN_TO_ALL.has(path) || comesFromHere(request) ? undefined : await this.#refusal(request);
      return refused ?? (await this.#shown(path, comesFromHere(request))) ?? NOT_FOUND;
    }
    const worker = WORKER_RESTART.exec(path)?.[1];
    if (method !== 'POST' || (worker === undefined && path !== '/cluster/drain')) return NOT_FOUND;
    if (isCrossSite(headers)) return [403, problem(403, 'forbidden', 'Another web site may not do this.')];
    const refused = await this.#refusal(request);
    if (refused !== undefined) return refused;
    if (worker === undefined) {
      this.#deps.drain();
      return [202, { status: 'draining' }];
    }
    switch (this.#deps.restartWorker(worker)) {
      case 'restarting':
        return [202, { status: 'restarting', worker }];
      case 'busy':
        return [
          409,
          problem(409, 'illegal_transition', 'Workers are restarted one at a time, and one is not ready yet.'),
        ];
      case 'unknown':
        return [404, problem(404, 'not_found', `There is no worker ${worker} in this node; see /cluster/members.`)];
    }
  }

  async #refusal({ headers, socket }: IncomingMessage): Promise<Answer | undefined> {
    switch (await this.#deps.authorize(headers.authorization, socket)) {
      case 401:
        return [401, problem(401, 'unauthenticated', 'An admin token is needed.')];
      case 403:
        return [403, problem(403, 'forbidden', 'Only the role admin may do this.')];
      case 429:
        return [429, problem(429, 'rate_limited', 'Too many tokens were not accepted; send it again later.')];
      case undefined:
        return undefined;
    }
  }

  async #shown(path: string, inFull: boolean): Promise<Answer | undefined> {
    const status = this.#deps.status();
    const { ready, phase, workers } = status;
    switch (path) {
      case '/health/live':
        return [200, { status: 'ok' }];
      case '/health/ready':
        return [
          ready ? 200 : 503,
          {
            status: wordFor(ready, checksOf(workers)),
            checks: checksOf(workers),
            ...(inFull && { workers: workers.map(briefly) }),
          },
        ];
      case '/health/startup':
        return [ready ? 200 : 503, { status: ready ? 'started' : 'starting', phase, recovery: recoveryOf(status) }];
      case '/health/supervision':
        return [200, supervision(status)];
      case '/cluster/members': {
        const membership = await this.#deps.membership();
        return membership ? [200, { data: membersOf(membership, status.nodeId) }] : starting(phase);
      }
      case '/cluster/shards': {
        const membership = await this.#deps.membership();
        return membership
          ? [200, { data: membership.owners.map((owner, shard) => ({ shard, owner })) }]
          : starting(phase);
      }
      default:
        return undefined;
    }
  }
}

const SEVERITY = { up: 0, degraded: 1, down: 2 } as const;

/** A dependency is as well as the worker that finds it worst. */
function checksOf(workers: readonly WorkerStatus[]): Record<string, Check> {
  const checks: Record<string, Check> = {};
  for (const { report } of workers) {
    for (const [name, check] of Object.entries(report?.checks ?? {})) {
      const worst = checks[name];
      if (worst === undefined || SEVERITY[check.status] > SEVERITY[worst.status]) checks[name] = check;
    }
  }
  return checks;
}

function recoveryOf({ shards, workers }: NodeStatus) {
  const served = workers.reduce((sum, { report }) => sum + (report?.shards.served ?? 0), 0);
  return { shardsServed: served, shards };
}

function briefly({ workerId, slot, pid, phase, restarts }: WorkerStatus) {
  return { workerId, slot, pid, phase, restarts };
}

function supervision({ nodeId, phase, ready, intensity, workers }: NodeStatus) {
  return {
    node: {
      nodeId,
      phase,
      ready,
      intensity,
      workers: workers.map((worker) => {
        const { lastFailure, report } = worker;
        return { ...briefly(worker), ...(lastFailure && { lastFailure }), ...report };
      }),
    },
  };
}

function membersOf({ members, owners }: Membership, nodeId: string | undefined) {
  return members.map(({ socketPath: _, ...member }) => ({
    ...member,
    thisNode: member.nodeId === nodeId,
    shards: owners.filter((owner) => owner === member.workerId).length,
  }));
}

/** To orchestrators, which have no token. */
const IS_SHOWN_TO_ALL: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/health/startup']);

const WRONG_HOST: Answer = [
  421,
  problem(
    421,
    'misdirected_request',
    'Ask by an IP address, by localhost, by ADMIN_HOST or by the name of this machine.',
  ),
];

const NOT_FOUND: Answer = [404, problem(404, 'not_found', 'There is nothing at this path.')];

function starting(phase: string): Answer {
  return [503, problem(503, 'unavailable', `The node is starting: ${phase}.`)];
}

function problem(status: number, code: string, detail: string) {
  const retryable = status === 503 || status === 429;
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, code, detail, retryable };
}

function send(response: ServerResponse, status: number, body: unknown, requestId: string): void {
  const isProblem = typeof body === 'object' && body !== null && 'code' in body;
  response.writeHead(status, {
    ...ADMIN_HEADERS,
    'request-id': requestId,
    'content-type': isProblem ? 'application/problem+json' : 'application/json',
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...((status === 503 || status === 429) && isProblem && { 'retry-after': '2' }),
  });
  response.end(JSON.stringify(isProblem ? { ...body, requestId } : body));
}
