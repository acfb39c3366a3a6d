/**
 * Owns the answers to requests that Node's HTTP parser refuses before the edge sees them. Node's own have no body and
 * no Request-Id; these are problems like all others. Each ends its connection: where the next request would begin is
 * not known.
 */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerInHand } from '../patched/node-http.ts';
import { headersOfEveryAnswer, instanceOf, PROBLEM_TYPE } from './answer.ts';
import { Problem, problemDocument, type ProblemCode } from './problems.ts';
import { requestIdOf } from './request-id.ts';

/** By the code of the parser's error; every other one means that the bytes are no HTTP. */
const PROBLEMS_OF_PARSER: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['header_fields_too_large', 'The headers are too large; send less, cookies for example.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['payload_too_large', 'The chunk extensions are too large; send the body without.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not come to its end in time; send it again.'],
};
const MALFORMED = ['malformed_request', 'These bytes are no HTTP/1.1 request.'] as const;

/** A client that goes on sending hears its answer before the connection is cut. */
const LINGER_MS = 1_000;

/** For a server with `requireHostHeader: false`: see `framingProblem`. */
export function answerUnparsed(server: Server): void {
  // Each piece that comes after the first bad byte is another error.
  const ending = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (ending.has(socket)) return;
    ending.add(socket);
    const [code, detail] = PROBLEMS_OF_PARSER[error.code ?? ''] ?? MALFORMED;
    afterOthers(socket, () => end(socket, rawAnswer(new Problem(code, detail))));
  });
  server.on('connect', (request, socket) => {
    const problem = new Problem('method_not_allowed', 'This is no proxy: CONNECT is not allowed.');
    end(socket as Socket, rawAnswer(problem, request));
  });
  server.on('checkExpectation', (request, response) => {
    const problem = new Problem('expectation_failed', 'Only "Expect: 100-continue" is supported; leave it out.');
    answerAtOnce(request, response, problem);
  });
}

/** Calls once the requests that came whole are answered: clients match answers to requests by their order. */
function afterOthers(socket: Socket, answer: () => void): void {
  const before = answerInHand(socket);
  if (before?.req.complete === true) before.once('close', () => afterOthers(socket, answer));
  // In the middle of its own answer another one would look like a part of it.
  else if (before?.headersSent === true) socket.destroy();
  else answer();
}

/** At once the system would reset what is still coming, and the client might lose the answer. */
function end(socket: Socket, answer: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(answer);
  if (socket.readableEnded) socket.destroySoon();
  else socket.resume().setTimeout(LINGER_MS, () => socket.destroy());
}

/** What Node lets pass although two readers could understand it in two ways (RFC 9112), or answers without a body. */
export function framingProblem({ httpVersionMinor, headers, rawHeaders }: IncomingMessage): Problem | undefined {
  if (headers.host === undefined && httpVersionMinor !== 0) {
    return new Problem('malformed_request', 'A request of HTTP/1.1 needs the header Host.');
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.length === 4 && rawHeaders[index]!.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) return new Problem('malformed_request', 'A request has one header Host; this one has several.');
  const coding = headers['transfer-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined;
  return new Problem('not_implemented', 'Send the body with a Content-Length or with "Transfer-Encoding: chunked".');
}

/** Answers past the edge, and ends the connection. */
export function answerAtOnce(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const { body, headers, status } = wholeAnswer(problem, request);
  response.writeHead(status, headers).end(body);
}

function rawAnswer(problem: Problem, request?: IncomingMessage): string {
  const { body, headers, status } = wholeAnswer(problem, request);
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields.join('')}\r\n${body}`;
}

function wholeAnswer(problem: Problem, request?: IncomingMessage) {
  const requestId = requestIdOf(request?.headers['request-id']);
  const instance = request?.url === undefined ? {} : { instance: instanceOf(request.url) };
  const body = JSON.stringify(problemDocument(problem, { requestId, ...instance }));
  const headers: Record<string, string> = {
    ...headersOfEveryAnswer(requestId),
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    ...(problem.details.retryAfterSeconds !== undefined && {
      'Retry-After': String(problem.details.retryAfterSeconds),
    }),
    Connection: 'close',
  };
  return { status: problem.kind.status, headers, body };
}
