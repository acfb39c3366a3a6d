/**
 * Owns the answers to requests that Node's HTTP parser refuses before the edge sees them. Node's own have no body and
 * no Request-Id; these are problems like all others. Each ends its connection: where the next request would begin is
 * not known.
 */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { headersOfEveryAnswer, instanceOf, PROBLEM_TYPE } from './answer.ts';
import { Problem, problemDocument, PROBLEMS, type ProblemCode } from './problems.ts';
import { requestIdOf } from './request-id.ts';

/** By the code of the parser's error; every other one means that the bytes are no HTTP. */
const PROBLEMS_OF_PARSER: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['header_fields_too_large', 'The headers are too large; send less, cookies for example.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['payload_too_large', 'The chunk extensions are too large; send the body without.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not come to its end in time; send it again.'],
};
const MALFORMED = ['malformed_request', 'These bytes are no HTTP/1.1 request.'] as const;

/** Node's private mark of the answer that a connection is busy with. */
interface AnsweringSocket extends Duplex {
  readonly _httpMessage?: ServerResponse | null;
}

/** For a server with `requireHostHeader: false`: see `hostProblem`. */
export function answerUnparsed(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: AnsweringSocket) => {
    const [code, detail] = PROBLEMS_OF_PARSER[error.code ?? ''] ?? MALFORMED;
    // In the middle of another answer a second one would look like a part of it.
    const free = socket._httpMessage?.headersSent !== true;
    if (socket.writable && free) socket.end(rawAnswer(new Problem(code, detail)));
    else socket.destroy(error);
  });
  server.on('connect', (request, socket) => {
    const problem = new Problem('method_not_allowed', 'This is no proxy: CONNECT is not allowed.');
    socket.end(rawAnswer(problem, request));
  });
  server.on('checkExpectation', (request, response) => {
    const problem = new Problem('expectation_failed', 'Only "Expect: 100-continue" is supported; leave it out.');
    answerAtOnce(request, response, problem);
  });
}

/** Must a request be refused for its Host? Node's own check answers without a body. */
export function hostProblem({ httpVersionMinor, headers }: IncomingMessage): Problem | undefined {
  if (headers.host !== undefined || httpVersionMinor === 0) return undefined;
  return new Problem('malformed_request', 'A request of HTTP/1.1 needs the header Host.');
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
    Connection: 'close',
  };
  return { status: PROBLEMS[problem.code].status, headers, body };
}
