/**
 * Members of Node's HTTP server that its types don't name. http/parser-problems.unit.spec.ts shows what they are for:
 * a client that has sent all it wants to send may still listen, and answers keep the order of their requests.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface HalfOpenServer extends Server {
  httpAllowHalfOpen: boolean;
}

/** Node's mark of the answer that a connection is busy with. */
interface AnsweringSocket extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/** A client that closes its side is answered all the same. */
export function allowHalfOpen(server: Server): void {
  (server as HalfOpenServer).httpAllowHalfOpen = true;
}

/** The answer that the connection is busy with. */
export function answerInHand(socket: Socket): ServerResponse | undefined {
  return (socket as AnsweringSocket)._httpMessage ?? undefined;
}

/** What of it this Node lacks, as far as that shows without a connection. */
export function missingOfHttp(): string[] {
  return 'httpAllowHalfOpen' in createServer() ? [] : ['http.Server.httpAllowHalfOpen'];
}
