/**
 * The edge: a Koa application, the steps of which stand below in the order in which a request takes them. Decides
 * nothing by itself and knows no kind of actor and no SQL.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Koa from 'koa';
import type { CommandPort } from '../messaging/commands/command-port.ts';
import { AccessLog } from './access-log.ts';
import { EdgeAnswers } from './answer-counts.ts';
import { createAuthenticator } from './authenticator.ts';
import type { RequestState } from './edge-context.ts';
import { composeOperations } from './compose-operations.ts';
import { DEFAULT_LIMITS, type EdgeDeps } from './edge-deps.ts';
import { createServices } from './edge-services.ts';
import { authenticate, permit } from './middleware/caller.ts';
import { InFlightLimit } from './middleware/in-flight-limit.ts';
import { problemBoundary } from './middleware/problem-boundary.ts';
import { rateLimit } from './middleware/rate-limit.ts';
import { refuseUnreadablePath, refuseUnrouted } from './middleware/refuse-unrouted.ts';
import type { Described } from './own-operations.ts';
import { performMessages } from './perform-messages.ts';
import { createRoutes } from './routes.ts';
import type { OperationDefinition } from './operation-definition.ts';

/** What the kinds of actors bring, in the order in which the documents show it. */
export interface Served extends Described {
  readonly operations: readonly OperationDefinition[];
}

export interface Edge {
  /** For `http.createServer`. Never throws. */
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** Requests that have come and are not answered yet, or whose answer has not left. */
  inFlight(): number;
  /** Of those, how many wait for a body that comes slowly. */
  unfinishedBodies(): number;
  /** Since the start. */
  readonly answers: { readonly answered: number; readonly failed: number };
  /** All that it serves. */
  readonly operations: readonly OperationDefinition[];
  /** Commands that do not come by HTTP. */
  readonly commands: CommandPort;
}

/** @throws Error when the deps can't make an edge (see authenticator.ts), or what it serves clashes. */
export function createEdge(served: Served, deps: EdgeDeps): Edge {
  const { clock, log, rateLimiter } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const operations = composeOperations(served.operations, served);
  const accessLog = new AccessLog(log, clock, operations);
  const inFlight = new InFlightLimit(limits.inFlightMax, limits.bodyBytesMax, deps.leaving, () =>
    accessLog.refusedAtDoor(),
  );
  const authenticated = authenticate(createAuthenticator(deps.auth, clock, log), inFlight);
  const limited = rateLimiter === undefined ? [] : [rateLimit(rateLimiter, log)];

  const services = createServices(deps, limits, inFlight);
  const routes = createRoutes(operations, services, (access) => [authenticated, ...permit(access), ...limited]);

  const app = new Koa<RequestState>();
  const answers = new EdgeAnswers();
  app.use(problemBoundary(log, limits.bodyBytesMax, answers, accessLog));
  app.use(refuseUnreadablePath);
  app.use(routes.routes());
  app.use(refuseUnrouted);
  app.use(routes.allowedMethods());

  // Behind the boundary only connections fail, as a rule. Koa's own log would go to stderr, past ours.
  app.on('error', (err: unknown, ctx?: Koa.Context) => {
    if (ctx?.req.destroyed === true || ctx?.req.socket.destroyed === true) log.debug({ err }, 'a connection broke');
    else log.error({ err }, 'an answer could not be written');
  });

  const callback = app.callback();
  return {
    handler: (req, res) => {
      if (!inFlight.refuses(req, res)) inFlight.count(() => callback(req, res));
    },
    inFlight: () => inFlight.underWay,
    unfinishedBodies: () => services.bodies.unfinished,
    answers,
    operations,
    commands: performMessages(served.messages, services),
  };
}
