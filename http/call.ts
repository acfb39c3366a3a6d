/** Owns what a handler is given: one request, its caller and its path, after all that every request has in common. */
import type { IncomingMessage } from 'node:http';
import type { Principal } from './authenticator.ts';
import type { Reply } from './reply.ts';

export interface PublicCall {
  readonly req: IncomingMessage;
  readonly requestId: string;
  /** Without the query. */
  readonly path: string;
  /** What follows the `?`, undecoded. */
  readonly query: string;
  /** The variable segments of the path, decoded, in their order. */
  readonly params: readonly string[];
  /** The parsed body, or undefined where there is none. To be called once. @throws see body.ts. */
  readonly readJson: () => Promise<unknown>;
}

export interface Call extends PublicCall {
  readonly principal: Principal;
}

/** @throws Problem, which becomes the answer; anything else is answered as `internal`. */
export type Handler<C extends PublicCall = Call> = (call: C) => Promise<Reply>;
