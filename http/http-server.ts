/** Owns Node's HTTP server as the edge wants it: its time-outs, and problems for what its parser refuses. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { allowHalfOpen } from '../patched/node-http.ts';
import type { LeavingAnswers } from './leaving-answers.ts';
import { answerAtOnce, answerUnparsed, framingProblem } from './parser-problems.ts';
import { Problem } from './problems.ts';

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than a client's or a balancer's usual 60 s, so that it is they who close. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** How often Node looks for connections that exceed the two above; its own 30 s would make 45 of 15. */
const CHECK_INTERVAL_MS = 5_000;

export interface HttpTimeouts {
  readonly headersMs: number;
  /** The whole request, its body included. */
  readonly requestMs: number;
  readonly checkIntervalMs: number;
}

const DEFAULT_TIMEOUTS: HttpTimeouts = {
  headersMs: HEADERS_TIMEOUT_MS,
  requestMs: REQUEST_TIMEOUT_MS,
  checkIntervalMs: CHECK_INTERVAL_MS,
};

const TOO_MANY = new Problem(
  'overloaded',
  'Too many requests wait on this connection; nothing of this one was applied. Wait for answers before you send more.',
  { retryAfterSeconds: 1 },
);

/** @param leaving follows every answer of this server. */
export function createHttpServer(
  handler: RequestListener,
  leaving: LeavingAnswers,
  timeouts = DEFAULT_TIMEOUTS,
): Server {
  const options = {
    connectionsCheckingInterval: timeouts.checkIntervalMs,
    headersTimeout: timeouts.headersMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    requestTimeout: timeouts.requestMs,
    requireHostHeader: false,
  };
  const server = createServer(options, (request, response) => {
    const begun = leaving.begin(response);
    if (begun === 'ended') return;
    const problem = begun === 'too many' ? TOO_MANY : framingProblem(request);
    if (problem === undefined) handler(request, response);
    else answerAtOnce(request, response, problem);
  });
  // A header that Node leaves out can't be judged. Their bytes are bounded (16 KiB).
  server.maxHeadersCount = 0;
  // A client that has sent all it wants to send may still listen.
  allowHalfOpen(server);
  answerUnparsed(server);
  return server;
}
