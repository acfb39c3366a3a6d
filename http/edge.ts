/**
 * The edge: takes a request through what all have in common, and writes the answer. In this order: its name
 * (Request-Id), a free place, an operation at its path, a caller, a permission, a turn (rate limit); then the handler.
 * Decides nothing about orders or stock and knows no SQL.
 *
 * Nothing a client does may end the process: whatever is thrown becomes an answer, and where nobody is left to answer
 * it ends there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa from 'koa';
import { retryAfterSeconds } from './answer-problems.ts';
import { createAuthenticator, type Principal } from './authenticator.ts';
import { ClientGone, createBodyReader, discardRest } from './body.ts';
import type { Call, PublicCall } from './call.ts';
import { DEFAULT_LIMITS, type EdgeDeps } from './edge-deps.ts';
import { createServices } from './edge-services.ts';
import { createHandlers } from './handlers.ts';
import { OPERATIONS, type Operation, type ProtectedOperationId, type PublicOperationId } from './operations.ts';
import { Problem } from './problems.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { problemReply, type Reply } from './reply.ts';
import { requestIdOf } from './request-id.ts';
import { createRouter } from './router.ts';
import { writeReply } from './write-reply.ts';

export interface Edge {
  /** For `http.createServer`. Never throws. */
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** Requests that have come and are not answered yet. */
  inFlight(): number;
}

type Run = (call: PublicCall, exchange: Exchange) => Promise<Reply>;

/** One request on its way: what has to stand on its answer, also on a problem. */
interface Exchange {
  readonly requestId: string;
  readonly path: string;
  limitHeaders?: Readonly<Record<string, string>>;
}

/** @throws Error when the deps can't make an edge (see authenticator.ts). */
export function createEdge(deps: EdgeDeps): Edge {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const { clock, log } = deps;
  const services = createServices(deps);
  const handlers = createHandlers(services);
  const authenticator = createAuthenticator(deps.auth, clock);
  const bodies = createBodyReader(limits);
  let inFlight = 0;

  const router = createRouter<Run>(
    Object.entries(OPERATIONS).map(([id, operation]) => ({ operation, target: runOf(id, operation) })),
  );

  function runOf(id: string, { access }: Operation): Run {
    if (access === 'public') {
      const handler = handlers.public[id as PublicOperationId];
      return (call) => handler(call);
    }
    const handler = handlers.protected[id as ProtectedOperationId];
    return async (call, exchange) => {
      // Before anything is read, verified or asked: refusing must stay cheap.
      if (inFlight > limits.inFlightMax) throw tooMuchToDo();
      const known = authenticator.authenticate(call.req.headers.authorization);
      const principal = known instanceof Promise ? await known : known;
      permit(access, principal);
      if (principal.role === 'customer' && deps.rateLimiter !== undefined) await takeTurn(principal, exchange);
      return handler(withPrincipal(call, principal));
    };
  }

  async function takeTurn({ sub }: Principal, exchange: Exchange): Promise<void> {
    const limiter = deps.rateLimiter;
    if (limiter === undefined) return;
    let decision;
    try {
      decision = await limiter.take(sub);
    } catch (err) {
      log.warn({ err, requestId: exchange.requestId }, 'the rate limiter failed; the request passes');
      return;
    }
    exchange.limitHeaders = rateLimitHeaders(decision, limiter.windowSeconds);
    if (decision.allowed) return;
    const detail = `More than ${decision.limit} requests in ${limiter.windowSeconds} seconds; nothing was applied.`;
    throw new Problem('rate_limited', detail, { retryAfterSeconds: decision.resetSeconds });
  }

  async function serve(req: IncomingMessage, exchange: Exchange, query: string): Promise<Reply | undefined> {
    const { requestId, path } = exchange;
    try {
      const { target, params } = router.match(req.method ?? '', path);
      return await target({ req, requestId, path, query, params, readJson: () => bodies.readJson(req) }, exchange);
    } catch (thrown) {
      if (thrown instanceof ClientGone) return undefined;
      const context = { requestId, instance: path };
      if (thrown instanceof Problem) return problemReply(thrown, context);
      log.error({ err: thrown, requestId, method: req.method }, 'an unexpected error in the edge');
      const detail =
        'An unexpected error; it was logged under this requestId. Whether anything was applied is not known.';
      return problemReply(new Problem('internal', detail), context);
    }
  }

  const app = new Koa();
  // What comes here are broken connections: our own errors end below. Koa's own log would go to stderr, past ours.
  app.on('error', (err: unknown) => {
    log.debug({ err }, 'a connection broke');
  });
  app.use(async (ctx) => {
    const { req, res } = ctx;
    ctx.respond = false;
    inFlight += 1;
    try {
      const url = req.url ?? '/';
      const mark = url.indexOf('?');
      const path = mark < 0 ? url : url.slice(0, mark);
      const exchange: Exchange = { requestId: requestIdOf(req.headers['request-id']), path };
      const reply = await serve(req, exchange, mark < 0 ? '' : url.slice(mark + 1));
      if (reply === undefined || res.destroyed) return;
      writeReply(res, reply, exchange.requestId, req.method === 'HEAD', exchange.limitHeaders);
      if (!req.complete) discardRest(req, limits.bodyBytesMax);
    } catch (err) {
      log.error({ err }, 'an answer could not be written');
      res.destroy();
    } finally {
      inFlight -= 1;
    }
  });

  const callback = app.callback();
  return {
    handler: (req, res) => {
      void callback(req, res);
    },
    inFlight: () => inFlight,
  };
}

function withPrincipal({ req, requestId, path, query, params, readJson }: PublicCall, principal: Principal): Call {
  return { req, requestId, path, query, params, readJson, principal };
}

function permit(access: Operation['access'], { role }: Principal): void {
  if (access === 'staff' && role === 'customer')
    throw new Problem('forbidden', 'This is for the roles support and admin.');
  if (access === 'admin' && role !== 'admin') throw new Problem('forbidden', 'This is for the role admin.');
}

function tooMuchToDo(): Problem {
  const detail = 'Too many requests are being handled now; nothing was applied. Send the request again later.';
  return new Problem('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });
}
