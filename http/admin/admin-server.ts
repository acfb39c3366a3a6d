/**
 * The admin port, in the primary: the health of the whole node, who is in the cluster, and what an operator can do.
 * Loopback by default. A browser on this machine reaches it too, so it answers only to names of this machine, and no
 * other site may frame it or post to it (admin-doors.ts). It shows states and numbers, never orders. A caller from
 * another machine needs an admin's token to see members, processes and host names; every action needs one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { messageOf, StartupError } from '../../kernel/errors.ts';
import type { Membership } from '../../persistence/ports.ts';
import { listenProblem } from '../../supervisors/listening-socket.ts';
import { wordFor, type Check } from '../../supervisors/worker-report.ts';
import type { RestartAnswer, WorkerStatus } from '../../supervisors/worker-supervisor.ts';
import { instanceOf, PROBLEM_TYPE } from '../answer.ts';
import { answerUnparsed, framingProblem } from '../parser-problems.ts';
import { Problem, problemDocument } from '../problems.ts';
import { requestIdOf } from '../request-id.ts';
import { ADMIN_HEADERS, comesFromHere, isCrossSite, isOwnHost } from './admin-doors.ts';

export interface NodeStatus {
  readonly nodeId: string | undefined;
  /** The node's present work, in words: "migrating the database". */
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
  /** Rejects with the Problem to answer, where the caller may not do this. */
  readonly authorize: (
    authorization: string | undefined,
    peer: { readonly remoteAddress?: string | undefined },
  ) => Promise<void>;
  readonly restartWorker: (id: string) => RestartAnswer;
  /** Ends the node as SIGTERM does. */
  readonly drain: () => void;
}

/** What is not thrown as a Problem. */
type Answer = readonly [status: number, body: unknown];

const REQUEST_TIMEOUT_MS = 5_000;
/** How often Node looks for requests that take longer; its own 30 s would let half-open ones fill the port. */
const CHECK_INTERVAL_MS = 1_000;
const CONNECTIONS_MAX = 1_000;
/** The limit for a part of the node that does not answer; clients ask again every few seconds. */
const RETRY_AFTER_SECONDS = 2;

const WORKER_RESTART = /^\/cluster\/workers\/([\w-]{1,64})\/restart$/;

export class AdminServer {
  readonly #deps: AdminDeps;
  readonly #server: Server;
  #host = '';

  constructor(deps: AdminDeps, requestTimeoutMs = REQUEST_TIMEOUT_MS) {
    this.#deps = deps;
    const options = {
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, requestTimeoutMs),
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      requireHostHeader: false,
    };
    this.#server = createServer(options, (request, response) => void this.#handle(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    answerUnparsed(this.#server);
  }

  /** @returns the port. @throws StartupError that says what to do. */
  async listen(port: number, host: string): Promise<number> {
    this.#host = host;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new StartupError(listenProblem('ADMIN_PORT', port, host, error.code ?? error.message)));
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
    const requestId = requestIdOf(request.headers['request-id']);
    try {
      const [status, body] = await this.#answer(request, pathOf(request.url ?? ''));
      send(response, status, body, { 'request-id': requestId, 'content-type': 'application/json' });
    } catch (error) {
      const problem = error instanceof Problem ? error : this.#unexpected(request, error);
      const { headers, retryAfterSeconds } = problem.details;
      const document = problemDocument(problem, { requestId, instance: instanceOf(request.url ?? '') });
      send(response, problem.kind.status, document, {
        'request-id': requestId,
        'content-type': PROBLEM_TYPE,
        ...headers,
        ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
      });
    }
  }

  #unexpected(request: IncomingMessage, error: unknown): Problem {
    this.#deps.log.warn({ path: instanceOf(request.url ?? ''), reason: messageOf(error) }, 'an admin request failed');
    return unavailable('A part that this needs, the database or the key set, does not answer.');
  }

  async #answer(request: IncomingMessage, path: string): Promise<Answer> {
    const { method, headers } = request;
    const refused = framingProblem(request);
    if (refused !== undefined) throw refused;
    if (!isOwnHost(headers.host, this.#host)) throw new Problem('misdirected_request', WRONG_HOST);
    const worker = WORKER_RESTART.exec(path)?.[1];
    const isCommand = worker !== undefined || path === '/cluster/drain';
    if (!isCommand && !IS_SHOWN.has(path)) return nothingHere();
    if (method === 'GET' || method === 'HEAD') {
      if (isCommand) throw notAllowed('POST');
      if (!IS_SHOWN_TO_ALL.has(path) && !comesFromHere(request)) await this.#authorize(request);
      return (await this.#shown(path, comesFromHere(request))) ?? nothingHere();
    }
    if (!isCommand || method !== 'POST') throw notAllowed(isCommand ? 'POST' : 'GET, HEAD');
    if (isCrossSite(headers)) throw new Problem('forbidden', 'Another web site may not do this.');
    await this.#authorize(request);
    return worker === undefined ? this.#drain() : this.#restart(worker);
  }

  #drain(): Answer {
    this.#deps.drain();
    return [202, { status: 'draining' }];
  }

  #restart(worker: string): Answer {
    switch (this.#deps.restartWorker(worker)) {
      case 'restarting':
        return [202, { status: 'restarting', worker }];
      case 'busy':
        throw new Problem('illegal_transition', 'Workers are restarted one at a time, and one is not ready yet.');
      case 'unknown':
        throw new Problem('not_found', `There is no worker ${worker} in this node; see /cluster/members.`);
    }
  }

  #authorize({ headers, socket }: IncomingMessage): Promise<void> {
    return this.#deps.authorize(headers.authorization, socket);
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
        if (membership === undefined) throw starting(phase);
        return [200, { data: membersOf(membership, status.nodeId) }];
      }
      case '/cluster/shards': {
        const membership = await this.#deps.membership();
        if (membership === undefined) throw starting(phase);
        return [200, { data: membership.owners.map((owner, shard) => ({ shard, owner })) }];
      }
      default:
        return undefined;
    }
  }
}

const SEVERITY = { up: 0, degraded: 1, down: 2 } as const;

/** A dependency's state is the worst that a worker reports. */
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

const IS_SHOWN: ReadonlySet<string> = new Set([
  '/health/live',
  '/health/ready',
  '/health/startup',
  '/health/supervision',
  '/cluster/members',
  '/cluster/shards',
]);

/** To orchestrators, which have no token. */
const IS_SHOWN_TO_ALL: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/health/startup']);

const WRONG_HOST = 'Ask by an IP address, by localhost, by ADMIN_HOST or by the name of this machine.';

/** A client may send the whole address. */
function pathOf(target: string): string {
  return instanceOf(target.replace(/^https?:\/\/[^/?]*/i, ''));
}

function notAllowed(allow: string): Problem {
  return new Problem('method_not_allowed', `Allowed here: ${allow}.`, { headers: { allow } });
}

function nothingHere(): never {
  throw new Problem('not_found', 'There is nothing at this path.');
}

const starting = (phase: string): Problem => unavailable(`The node is starting: ${phase}.`);

const unavailable = (detail: string): Problem =>
  new Problem('unavailable', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const text = JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  response.writeHead(status, { ...ADMIN_HEADERS, 'cache-control': 'no-store', 'content-length': length, ...headers });
  response.end(text);
}
